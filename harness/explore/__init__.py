"""Exploration: a seeded loop that draws plans, runs them in virtual time and lets all checks judge.

    technique --rng--> plan --sim--> history --checks--> broken guarantees
                 ^                      |
                 +---- novelty ---------+

``draw.py`` knows what shapes a plan may have (``long_lives.py`` those of long lives, ``parts.py``
what they share) and ``faults.py`` what may strike it; each technique is a function that makes the
next plan. A shard is a stretch of schedules that depends on nothing but its number, so it can be
run anywhere and always finds the same.
"""
