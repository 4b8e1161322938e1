"""How often a plan fails on real processes: repeated runs, a rate, and how sure it is."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, log, sqrt

from msgspec import Struct

from ...backends.adapter import Adapter
from ..plan.plan import Plan
from ..run import run

Z_95 = 1.959964


class Reproduction(Struct, frozen=True):
    """``failed`` of ``runs`` on real processes broke the guarantee; ``held`` did not.

    What is left were runs that proved nothing, such as one whose faults struck nobody.
    """

    runs: int
    failed: int
    held: int

    @property
    def rate(self) -> float:
        return self.failed / self.runs if self.runs else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Between which rates the true one lies, with 95 % confidence (Wilson, 1927)."""
        return wilson(self.failed, self.runs)

    @property
    def sentence(self) -> str:
        low, high = self.interval
        return (
            f"{self.failed} of {self.runs} runs on real processes broke it "
            f"({100 * low:.0f} to {100 * high:.0f} % with 95 % confidence)"
        )


def wilson(failed: int, runs: int) -> tuple[float, float]:
    """The 95 % score interval of a proportion."""
    if not runs:
        return 0.0, 1.0
    rate, square = failed / runs, Z_95**2
    middle = (rate + square / (2 * runs)) / (1 + square / runs)
    spread = Z_95 * sqrt(rate * (1 - rate) / runs + square / (4 * runs**2)) / (1 + square / runs)
    low = 0.0 if failed == 0 else max(0.0, middle - spread)
    high = 1.0 if failed == runs else min(1.0, middle + spread)
    return low, high


def reproduce(
    plan: Plan,
    guarantee: str,
    adapter: Adapter,
    runs: int,
    progress: Callable[[Reproduction], None] | None = None,
) -> Reproduction:
    """Run the plan that often on real processes. Raises what :func:`..run.run` raises."""
    so_far = Reproduction(0, 0, 0)
    for _ in range(runs):
        verdict = verdict_of(plan, guarantee, adapter)
        so_far = Reproduction(
            so_far.runs + 1,
            so_far.failed + (verdict == "violated"),
            so_far.held + (verdict == "held"),
        )
        if progress:
            progress(so_far)
    return so_far


def verdict_of(plan: Plan, guarantee: str, adapter: Adapter) -> str:
    """What one run on real processes says of the guarantee, if the plan asks for it."""
    checks = run(plan, adapter, "process").result.checks
    return next((check.verdict for check in checks if check.name == guarantee), "inconclusive")


def trials_for(rate: float, confidence: float) -> int:
    """How many runs without a failure rule out, so surely, that the plan fails at that rate."""
    if rate >= 1.0:
        return 1
    return max(1, ceil(log(1.0 - confidence) / log(1.0 - rate)))


def fails_often(
    guarantee: str, adapter: Adapter, rate: float, confidence: float
) -> Callable[[Plan], bool]:
    """Whether a plan breaks the guarantee on real processes, by repeated trials.

    One failure is proof. A plan that fails less often than ``rate`` may be taken for one that
    does not fail; one that fails as often is, with that confidence, not missed.
    """
    trials = trials_for(rate, confidence)

    def fails(plan: Plan) -> bool:
        return any(verdict_of(plan, guarantee, adapter) == "violated" for _ in range(trials))

    return fails
