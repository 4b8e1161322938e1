"""A crew for exploration whose runs are a pure function of their plans: no worker, no server."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path

from jobquake.harness.plan.plan import Plan
from jobquake.harness.plan.replay import encode
from jobquake.sweep.boundaries import Boundary
from jobquake.sweep.exploring.attempt import Tried
from jobquake.sweep.exploring.draw import Ground
from jobquake.sweep.exploring.strikes import name_of, names_of
from jobquake.sweep.outcome import Outcome

PUSH = Boundary("producer", "LPUSH q", 1, True, bears_twice=True)
POP = Boundary("worker", "BRPOP q", 0, True)
HOLD = Boundary("worker", "HSET unacked", 1, bears_twice=True)
ACK = Boundary("worker", "HDEL unacked", 1)
GROUND = Ground("q", (PUSH, POP, HOLD, ACK), 4000.0, 4000.0)

Judge = Callable[[Plan], Tried]


class PureCrew:
    """``plans`` are those that were run, ``kept`` those whose runs were to be kept."""

    size = 2

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self.plans: list[Plan] = []
        self.kept: list[Plan] = []

    def sent(self, plan: Plan) -> str:
        return encode(plan, "shop:app", "process")

    def again(self, plan: Plan) -> str:
        return f"jobquake replay '{self.sent(plan)}'"

    def attempt(self, plan: Plan) -> Future[Tried]:
        self.plans.append(plan)
        future = Future[Tried]()
        future.set_result(self._judge(plan))
        return future

    def shown(
        self, plan: Plan, folder: Path, wanted: Sequence[Outcome], tries: int
    ) -> Future[Tried]:
        self.kept.append(plan)
        return self.attempt(plan)


def tried(plan: Plan, *outcomes: Outcome, broken: bool = False) -> Tried:
    """A run in which every strike struck, and what became of its jobs: done, if nothing is said."""
    done: Outcome = "done"
    fates = (*outcomes, *(done for _ in plan.jobs))[: len(plan.jobs)]
    return Tried(
        outcomes=fates,
        broken=frozenset(outcomes) if broken else frozenset(),
        struck=tuple(range(len(plan.faults))),
        sentence="job 0 is gone",
        seen=frozenset(map(name_of, plan.faults)),
        again=f"jobquake replay '{encode(plan, 'shop:app', 'process')}'",
    )


def broken_by(*strikes: str) -> Judge:
    """Work is lost where all of these strike."""

    def judge(plan: Plan) -> Tried:
        lost = names_of(plan).issuperset(strikes)
        return tried(plan, "lost", broken=True) if lost else tried(plan)

    return judge


def sometimes(judge: Judge, breaks: Iterator[bool]) -> Judge:
    """Of the runs that would break, those of which that is said."""

    def now(plan: Plan) -> Tried:
        found = judge(plan)
        return tried(plan) if found.broken and not next(breaks) else found

    return now
