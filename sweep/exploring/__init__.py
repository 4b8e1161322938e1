"""Exploration on real workers: a few strikes in one run, drawn, and what breaks made small.

    draw --plan--> run behind the proxy --outcome of each job--> what broke
      ^                  |                                          |
      +---- new orders --+                     repeated, shrunk, repeated, kept

:mod:`.draw` draws plans of few jobs and workers, whose strikes are the sweep's ways at the sweep's
boundaries (:mod:`.strikes`); :mod:`.attempt` runs one and judges each of its jobs; :mod:`.orders`
says what was new in it. :mod:`.explore` goes from plan to plan, and :mod:`.examine` repeats what
broke and makes it smaller, by repeated trials, since real processes do not do the same each time.
"""
