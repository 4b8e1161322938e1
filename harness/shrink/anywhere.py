"""Shrinks a failing plan where its failure shows: in virtual time, or else on real processes.

Virtual time is exact, a thousand times faster, and gives the same answer each time. Where
the failure does not show there, a smaller plan is tried often enough that one which fails as
often as the plan did is missed no more than the stated confidence allows. What leaping time shows
is confirmed in real time before it is made smaller.
"""

from __future__ import annotations

from collections.abc import Callable

from ...backends.adapter import Adapter
from ...errors import NothingProved
from ..checks import CHECKS
from ..confirm import run_and_confirm
from ..plan.plan import Plan
from ..plan.replay import encode
from ..run import Run
from ..trial import attempt
from .failure import Failure, told, told_of_processes
from .reproduction import fails_often, reproduce, trials_for
from .shrink import Shrunk, breaks, shrink

MOST_TRIALS_LIVE = 200


class NothingBroken(NothingProved):
    """The plan breaks no guarantee, here or there. The message says how often it was tried."""


def shrunk_anywhere(
    plan: Plan,
    adapter: Adapter,
    guarantee: str | None,
    oracle: Adapter | None,
    trials: int,
    confidence: float,
    say: Callable[[str], None],
) -> tuple[Failure, Run]:
    """The shrunk failure, and a run that shows it.

    ``guarantee`` None: the gravest that is broken. Raises NothingBroken.
    """
    wanted = (guarantee,) if guarantee else None
    broken = list(attempt(plan, adapter, wanted).broken)
    if broken:
        say(f"in virtual time: {CHECKS[broken[0]].title}")
        unfair = oracle if oracle and not attempt(plan, oracle, broken[:1]).broken else None
        shrunk = shrink(plan, broken[0], breaks(broken[0], adapter, unfair))
        return told(shrunk, adapter, "shrunk in virtual time", _string(plan, adapter), unfair)
    return _live(plan, adapter, wanted, trials, confidence, say)


def _string(plan: Plan, adapter: Adapter) -> str:
    return encode(plan, adapter.name, "sim")


def _live(
    plan: Plan,
    adapter: Adapter,
    wanted: tuple[str, ...] | None,
    trials: int,
    confidence: float,
    say: Callable[[str], None],
) -> tuple[Failure, Run]:
    for number in range(trials):
        say(f"on real processes, run {number + 1} of {trials}")
        result = run_and_confirm(plan, adapter, "process").result
        if result.vanished:
            raise NothingBroken(result.sentence)
        broken = [c.name for c in result.checks if c.verdict == "violated"]
        broken = [name for name in broken if wanted is None or name in wanted]
        if broken:
            break
    else:
        raise NothingBroken(
            f"expected a plan that breaks a guarantee, found none broken in virtual time nor in "
            f"{trials} runs on real processes; give it more with --trials"
        )
    name = broken[0]
    rate = reproduce(plan, name, adapter, trials, lambda r: say(r.sentence))
    # The lower end of the interval: a plan that fails as seldom must not be missed.
    least = max(rate.interval[0], 1.0 / (2 * trials))
    tries = trials_for(least, confidence)
    say(f"{rate.sentence}; each smaller plan is run up to {tries} times")
    fails = fails_often(name, adapter, least, confidence)
    shrunk = _shrunk_live(plan, name, fails)
    found = (
        f"on real processes; with {100 * confidence:g} % confidence no single removal fails as "
        f"often as the plan did ({rate.sentence})"
    )
    return told_of_processes(shrunk, adapter, found, encode(plan, adapter.name, "process"), tries)


def _shrunk_live(plan: Plan, name: str, fails: Callable[[Plan], bool]) -> Shrunk:
    """Like :func:`.shrink.shrink`, but the plan is known to fail, and each trial is dear."""
    known = plan

    def known_or_fails(candidate: Plan) -> bool:
        return candidate == known or fails(candidate)

    return shrink(plan, name, known_or_fails, MOST_TRIALS_LIVE)
