"""Makes a failing plan as small as it gets, and proves that no single part is superfluous.

Takes the first smaller plan that still fails, again and again, until a whole round of steps
brings nothing. That last round is the certificate: it has tried to do without each job, fault,
worker, queue and action, and each time the failure was gone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from ...backends.adapter import Adapter
from ..plan.plan import Plan
from ..trial import attempt
from .smaller import STEPS, Smaller

MOST_TRIALS = 5000


class Shrunk(Struct, frozen=True):
    """A small plan that still fails, and the proof that it is.

    ``removals`` counts, for each kind of part, how many single removals were tried in the end
    without any failing; ``minimal`` is False if the trials ran out before that.
    """

    plan: Plan
    guarantee: str
    trials: int
    minimal: bool
    removals: dict[str, int]

    @property
    def certificate(self) -> str:
        """The proof in one sentence."""
        size = f"{_counted(len(self.plan.jobs), 'job')}, {_counted(len(self.plan.faults), 'fault')}"
        if not self.minimal:
            return f"{size}; not proved minimal within {self.trials} trials"
        tried = ", ".join(_counted(n, what) for what, n in self.removals.items() if n)
        each = (
            f"without any one of them ({tried}) it no longer fails"
            if tried
            else "nothing is left to remove"
        )
        return f"{size}; {each}; {self.trials} trials"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def breaks(
    guarantee: str, adapter: Adapter, oracle: Adapter | None = None
) -> Callable[[Plan], bool]:
    """Whether a plan breaks that guarantee on that backend, in virtual time.

    ``oracle`` is a queue that is known to be correct: a plan that it breaks, too, asks for
    what nobody can do, and does not count.
    """

    def fails(plan: Plan) -> bool:
        if guarantee not in attempt(plan, adapter, (guarantee,)).broken:
            return False
        return oracle is None or guarantee not in attempt(plan, oracle, (guarantee,)).broken

    return fails


def shrink(
    plan: Plan,
    guarantee: str,
    fails: Callable[[Plan], bool],
    most_trials: int = MOST_TRIALS,
    steps: Sequence[Smaller] = STEPS,
) -> Shrunk:
    """The smallest plan that can be reached by these steps from this one and still ``fails``.

    ``fails`` must give the same answer each time that it is asked the same. Raises ValueError
    if the plan does not fail to begin with.
    """
    if not fails(plan):
        raise ValueError("expected a plan that fails, found one that does not")
    shrinking = _Shrinking(plan, fails, most_trials, steps)
    minimal = shrinking.run()
    plan = shrinking.plan
    return Shrunk(plan, guarantee, shrinking.trials, minimal, _single(plan) if minimal else {})


class _Shrinking:
    """``plan`` is the smallest so far; ``passed`` are smaller ones that do not fail."""

    def __init__(
        self,
        plan: Plan,
        fails: Callable[[Plan], bool],
        most_trials: int,
        steps: Sequence[Smaller],
    ) -> None:
        self.plan = plan
        self._steps = steps
        self.trials = 1
        self._fails = fails
        self._most_trials = most_trials
        self._passed: set[Plan] = set()

    def run(self) -> bool:
        """Shrink until a whole round brings nothing; False if the trials ran out before."""
        while True:
            before = self.plan
            for step in self._steps:
                while self._take(step):
                    pass
                if self.trials >= self._most_trials:
                    return False
            if self.plan == before:
                return True

    def _take(self, smaller: Smaller) -> bool:
        """Go on with the first of these smaller plans that still fails, if one does."""
        for candidate in smaller(self.plan):
            if candidate == self.plan or candidate in self._passed:
                continue
            if self.trials >= self._most_trials:
                return False
            self.trials += 1
            if self._fails(candidate):
                self.plan = candidate
                return True
            self._passed.add(candidate)
        return False


def _single(plan: Plan) -> dict[str, int]:
    """How many parts of each kind there are, each of which the last round did without."""
    return {
        "job": len(plan.jobs) if len(plan.jobs) > 1 else 0,
        "fault": len(plan.faults),
        "action": len(plan.actions),
        "worker": sum(pool.workers for pool in plan.pools if pool.workers > 1),
        "queue": len(plan.queues) if len(plan.queues) > 1 else 0,
    }
