"""``assert_holds``: run a plan in virtual time and raise an AssertionError that tells a story.

For property tests and the contract suite: the message is what a person needs, first the one
sentence, then the life of the job that was wronged, then the string that replays it.
"""

from __future__ import annotations

import hypothesis

from ..backends.adapter import RemoteQueue
from .confirm import run_and_confirm
from .plan.plan import Plan
from .plan.replay import decode
from .result import Result
from .run import Driver

STORY_LINES = 15


def assert_holds(plan: Plan | str, adapter: RemoteQueue, driver: Driver = "sim") -> Result:
    """Run the plan, or a replay string's plan, and return the result if it held.

    Raises AssertionError with sentence, story and replay string if a guarantee was violated.
    A run that proved nothing is no pass, either: in a test of Hypothesis the example is
    discarded, elsewhere it is an AssertionError. What leaping time shows is repeated in real time.
    """
    __tracebackhide__ = True
    wanted = decode(plan).plan if isinstance(plan, str) else plan
    result = run_and_confirm(wanted, adapter, driver).result
    if result.verdict == "inconclusive" and hypothesis.currently_in_test_context():
        hypothesis.reject()
    if result.verdict != "held":
        raise AssertionError(telling(result))
    return result


def telling(result: Result) -> str:
    """What was expected, what was found, how it came to it, and how to see it again."""
    found = "nothing proved" if result.verdict == "inconclusive" else "a broken one"
    broken = [check.name for check in result.checks if check.verdict == "violated"]
    if broken and not result.vanished:
        found = " and ".join(f"{name} violated" for name in broken)
    lines = [
        f"expected every guarantee to hold on {result.backend}, found {found}: {result.sentence}"
    ]
    if result.confirmation:
        lines.append(f"  found in leaping time; {result.confirmation.sentence}")
    lines += [f"  {line}" for line in result.story[:STORY_LINES]]
    if len(result.story) > STORY_LINES:
        lines.append(f"  ... and {len(result.story) - STORY_LINES} more")
    lines.append(f"replay: assert_holds('{result.replay}', adapter, {result.driver!r})")
    return "\n".join(lines)
