"""Ways of finding a failure, side by side: which twins each finds in the same time, how soon.

Four ways get the same budget of seconds on one core for each broken twin: our portfolio,
uniformly random plans, Hypothesis's @given over the strategies for plans, and a plain
Hypothesis state machine that talks to the queue beside a model. The last one drives the
queue itself and no worker, so mistakes of a worker are beyond it. All begin anew for each twin,
with the same seed, and nobody shrinks.

    python benchmarks/techniques.py [--budget SECONDS] [--seed N] [TWIN ...]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from statistics import median
from typing import NamedTuple

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.stateful import run_state_machine_as_test
from jobquake import strategies
from jobquake.backends import registry
from jobquake.backends.adapter import Adapter
from jobquake.harness.contract.machine import machine
from jobquake.harness.explore.shard import explore_shard
from jobquake.harness.plan.plan import Plan
from jobquake.harness.trial import attempt

ORACLE = "reference"
MOST = 10_000_000
UNSHRUNK = settings(
    max_examples=MOST,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
    print_blob=False,
    report_multiple_bugs=False,
)


class OutOfTime(Exception):
    """The budget is spent."""


class Tries:
    """Counts tries, and ends them when the budget is spent."""

    def __init__(self, budget_s: float) -> None:
        self.began = time.monotonic()
        self.count = 0
        self.over = False
        self._budget_s = budget_s

    def one_more(self) -> None:
        if self.over or time.monotonic() - self.began > self._budget_s:
            self.over = True
            raise OutOfTime
        self.count += 1


class Hunt(NamedTuple):
    """Whether it was found, after how many tries and seconds."""

    found: bool
    tries: int
    seconds: float


Way = Callable[[Adapter, int, float], Hunt]


def explored(mix: str) -> Way:
    def way(twin: Adapter, seed: int, budget_s: float) -> Hunt:
        began, tries, shard = time.monotonic(), 0, 0
        while time.monotonic() - began < budget_s:
            seen = explore_shard(
                twin, seed, shard, mix=mix, until=began + budget_s, oracle=registry.find(ORACLE)
            )
            tries += seen.schedules
            if seen.found:
                return Hunt(True, tries, time.monotonic() - began)
            shard += 1
        return Hunt(False, tries, time.monotonic() - began)

    return way


def given_plans(twin: Adapter, seed: int, budget_s: float) -> Hunt:
    """@given over the same kinds of faults and jobs."""
    tries, correct = Tries(budget_s), registry.find(ORACLE)

    @hypothesis.seed(seed)
    @settings(UNSHRUNK)
    @given(strategies.plans())
    def holds(plan: Plan) -> None:
        tries.one_more()
        broken = attempt(plan, twin).broken
        assert not broken or set(broken) <= set(attempt(plan, correct, list(broken)).broken)

    return _hunt(holds, tries)


def state_machine(twin: Adapter, seed: int, budget_s: float) -> Hunt:
    """Commands in any order, beside a model of the queue."""
    tries = Tries(budget_s)

    class Timed(machine(twin)):  # type: ignore[misc] # a base that is made here
        def __init__(self) -> None:
            tries.one_more()
            super().__init__()

    Timed._hypothesis_internal_use_seed = seed
    return _hunt(lambda: run_state_machine_as_test(Timed, settings=UNSHRUNK), tries)


def _hunt(test: Callable[[], object], tries: Tries) -> Hunt:
    """Run it until it fails; whatever fails before the time is up is a finding."""
    failed = False
    try:
        test()
    except Exception:  # noqa: BLE001 (whatever a test raises that found something)
        failed = True
    return Hunt(failed and not tries.over, tries.count, time.monotonic() - tries.began)


WAYS: dict[str, Way] = {
    "portfolio": explored("portfolio"),
    "uniform": explored("uniform"),
    "@given plans": given_plans,
    "state machine": state_machine,
}


def told(hunt: Hunt) -> str:
    if not hunt.found:
        return f"- ({hunt.tries:,})"
    return f"{hunt.seconds:.2f} s ({hunt.tries:,})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("twins", nargs="*")
    parser.add_argument("--budget", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    twins = arguments.twins or [n for n in registry.names() if n.startswith("twin-")]
    hunts: dict[str, list[Hunt]] = {way: [] for way in WAYS}
    print(f"seconds to the first finding (tries); budget {arguments.budget:g} s for each cell\n")
    print("| twin | " + " | ".join(WAYS) + " |")
    print("|---" * (len(WAYS) + 1) + "|")
    for name in twins:
        for way, hunt_for in WAYS.items():
            hunts[way].append(hunt_for(registry.find(name), arguments.seed, arguments.budget))
        print(f"| {name} | " + " | ".join(told(h[-1]) for h in hunts.values()) + " |", flush=True)
    print()
    for way, results in hunts.items():
        found = [hunt for hunt in results if hunt.found]
        tries, seconds = (sum(h[i] for h in results) for i in (1, 2))
        print(
            f"{way}: {len(found)} of {len(results)} found, median "
            f"{median([hunt.seconds for hunt in found] or [float('nan')]):.2f} s, "
            f"{tries / seconds:,.0f} tries a second"
        )


if __name__ == "__main__":
    main()
