"""A plan that broke once, repeated, made smaller by repeated trials, and repeated again."""

from __future__ import annotations

import time as clock
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, wait
from math import inf
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from ...harness.plan.plan import Plan
from ...harness.shrink.reproduction import Reproduction
from ...harness.shrink.shrink import Shrunk, shrink
from ..outcome import ORDER, Outcome
from .attempt import Tried
from .crew import Crew
from .finding import Finding
from .smaller import STEPS
from .strikes import name_of, told
from .trials import trials_for

MOST_PLANS = 60  # smaller ones that are tried


class Broken(NamedTuple):
    """A plan that broke, as the how manieth it was drawn, and how long after the beginning."""

    plan: Plan
    tried: Tried
    number: int
    after_s: float


Tell = Callable[[str, Finding], None]  # what goes on, and what is known by now


def examined(
    broken: Broken,
    crew: Crew,
    repeats: int,
    until_s: float,
    folder: Path,
    tell: Tell = lambda words, finding: None,
) -> Finding:
    """The finding. No run of it begins after ``until_s`` of the monotonic clock but the first two,
    and the one that shows it.

    The run that shows it is kept in ``folder``; ``tell`` is told of each step.
    """
    finding = _as_found(broken, crew)
    wanted = frozenset({broken.tried.worst})
    if not repeats:
        return _kept(finding, broken.plan, crew, folder)
    tell("repeated", finding)
    first = repeated(broken.plan, crew, wanted, repeats, until_s)
    finding = replace(finding, first=first, rate=first)
    tell("repeated", finding)
    if not first.failed:
        return replace(finding, certificate="seen once, and in none of the repetitions")
    asking = _Asking(crew, wanted, first, until_s, lambda plan: tell("smaller", _of(finding, plan)))
    shrunk = _shrunk(broken.plan, wanted, asking)
    finding = _of(finding, shrunk.plan)
    how = f"; a smaller plan counts if {asking.trials.words} break"
    finding = replace(
        finding, certificate=shrunk.certificate + how, minimal=shrunk.minimal and not asking.late
    )
    if asking.late:
        finding = replace(finding, certificate=f"{_size(shrunk.plan)}; the budget was spent then")
    if shrunk.plan != broken.plan:
        small = shrunk.plan
        finding = replace(finding, rate=None, again=crew.again(small), replay=crew.sent(small))
        tell("repeated", finding)
        finding = replace(finding, rate=repeated(shrunk.plan, crew, wanted, repeats, until_s))
    return _kept(finding, shrunk.plan, crew, folder)


def repeated(
    plan: Plan, crew: Crew, wanted: frozenset[Outcome], runs: int, until_s: float = inf
) -> Reproduction:
    """How often the plan breaks so, in that many runs, or those that begin by ``until_s``."""
    broke = held = 0
    under_way = {crew.attempt(plan) for _ in range(min(crew.size, runs))}
    begun = len(under_way)
    while under_way:
        done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
        for future in done:
            tried = future.result()
            broke += bool(tried.broken & wanted)
            held += not tried.broken and tried.gravity != "inconclusive"
            if begun < runs and clock.monotonic() < until_s:
                under_way.add(crew.attempt(plan))
                begun += 1
    return Reproduction(begun, broke, held)


class _Asking:
    """Whether a smaller plan breaks as well as the first; ``late``: nobody was asked any more."""

    def __init__(
        self,
        crew: Crew,
        wanted: frozenset[Outcome],
        first: Reproduction,
        until_s: float,
        tell: Callable[[Plan], None],
    ) -> None:
        self.trials = trials_for(first.failed, first.runs)
        self.late = False
        self._crew, self._wanted, self._until_s, self._tell = crew, wanted, until_s, tell

    def __call__(self, plan: Plan) -> bool:
        if clock.monotonic() > self._until_s:
            self.late = True
            return False
        broke = held = 0
        while (answer := self.trials.answer(broke, held)) is None:
            # No more at once than can still be needed.
            needed = min(self.trials.needed - broke, self.trials.most - broke - held)
            needed = max(needed, self.trials.most - self.trials.needed + 1 - held)
            at_once = min(self._crew.size, needed, self.trials.most - broke - held)
            for future in [self._crew.attempt(plan) for _ in range(at_once)]:
                breaks = bool(future.result().broken & self._wanted)
                broke, held = broke + breaks, held + (not breaks)
        if answer:
            self._tell(plan)
        return answer


def _shrunk(plan: Plan, wanted: frozenset[Outcome], asking: _Asking) -> Shrunk:
    def fails(candidate: Plan) -> bool:
        return candidate == plan or asking(candidate)

    return shrink(plan, ", ".join(sorted(wanted)), fails, MOST_PLANS, STEPS)


def _kept(finding: Finding, plan: Plan, crew: Crew, folder: Path) -> Finding:
    """With the story of one more run that shows it, which is kept, and what real time says."""
    tries = trials_for(finding.rate.failed, finding.rate.runs).most if finding.rate else 1
    shown = crew.shown(plan, folder, [finding.outcome], tries).result()
    if finding.outcome not in shown.broken:
        return finding
    return replace(
        finding,
        sentence=shown.sentence,
        story=shown.story,
        logged=shown.logged,
        again=shown.again,
        confirmation=shown.confirmation,
        folder=str(folder),
    )


def _as_found(broken: Broken, crew: Crew) -> Finding:
    plan, tried = broken.plan, broken.tried
    finding = Finding(
        outcome=max(tried.broken, key=ORDER.index),
        strikes=(),
        told=(),
        jobs=0,
        workers=0,
        sentence=tried.sentence,
        story=tried.story,
        logged=tried.logged,
        replay=crew.sent(plan),
        number=broken.number,
        after_s=round(broken.after_s, 1),
        again=tried.again,
        found_as=tried.again,
    )
    return _of(finding, plan)


def _of(finding: Finding, plan: Plan) -> Finding:
    """With that plan's strikes and size."""
    return replace(
        finding,
        strikes=tuple(sorted(map(name_of, plan.faults))),
        told=tuple(map(told, plan.faults)),
        jobs=len(plan.jobs),
        workers=len(plan.workers),
    )


def _size(plan: Plan) -> str:
    parts = ((len(plan.jobs), "job"), (len(plan.faults), "strike"), (len(plan.workers), "worker"))
    return ", ".join(f"{n} {what}" + ("s" if n != 1 else "") for n, what in parts)
