"""How soon exploration finds each broken twin, and how small its story gets.

Each twin is explored on one core with several seeds, until something breaks or the budget is
spent; what is found is shrunk. A second table counts, over a fixed number of schedules, which
share of them broke which guarantee. Both go to docs/twins.md. Seconds are those of this
machine; the bare simpy model beside them says how fast it is.

    python benchmarks/find_twins.py [--seeds N] [--budget SECONDS] [--jobs N] [TWIN ...]
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from statistics import median
from typing import NamedTuple

from jobquake.backends import registry
from jobquake.harness.checks import GUARANTEES
from jobquake.harness.explore.shard import explore_shard
from jobquake.harness.plan.plan import Plan
from jobquake.harness.plan.replay import decode, encode
from jobquake.harness.shrink.shrink import breaks, shrink
from sim_rate import SCHEDULES, bare, schedule

ORACLE = "reference"
PAGE = Path(__file__).parent.parent / "docs" / "twins.md"
RATED_SHARDS = 4


class Hunt(NamedTuple):
    """One seed on one twin: what it took, and what is left of the finding after shrinking."""

    schedules: int
    seconds: float
    guarantee: str | None
    shrunk: Plan | None = None
    shrink_s: float = 0.0
    trials: int = 0
    minimal: bool = False


class Twin(NamedTuple):
    name: str
    hunts: list[Hunt]
    rates: dict[str, float]


def hunt(name: str, seed: int, budget_s: float) -> Hunt:
    twin, oracle = registry.find(name), registry.find(ORACLE)
    began, schedules, shard = time.perf_counter(), 0, 0
    while time.perf_counter() - began < budget_s:
        seen = explore_shard(twin, seed, shard, oracle=oracle)
        schedules += seen.schedules
        if seen.found:
            seconds = time.perf_counter() - began
            # Rather the guarantee that the twin is about, if the schedule broke several.
            broken = {found.guarantee: found for found in seen.found}
            found = broken.get(twin.violates or "", seen.found[0])
            start = time.perf_counter()
            shrunk = shrink(
                decode(found.replay).plan, found.guarantee, breaks(found.guarantee, twin, oracle)
            )
            took = time.perf_counter() - start
            return Hunt(
                schedules, seconds, found.guarantee, shrunk.plan, took, shrunk.trials,
                shrunk.minimal,
            )  # fmt: skip
        shard += 1
    return Hunt(schedules, time.perf_counter() - began, None)


def rates(name: str) -> dict[str, float]:
    """The share of schedules that broke each guarantee."""
    twin, broken, ran = registry.find(name), dict.fromkeys(GUARANTEES, 0), 0
    for shard in range(RATED_SHARDS):
        seen = explore_shard(twin, 99, shard, stop_at_first=False, oracle=registry.find(ORACLE))
        ran += seen.schedules
        for guarantee, count in seen.broken.items():
            broken[guarantee] += count
    return {guarantee: count / ran for guarantee, count in broken.items() if count}


def study(name: str, seeds: int, budget_s: float) -> Twin:
    return Twin(name, [hunt(name, seed, budget_s) for seed in range(seeds)], rates(name))


def parts(plan: Plan) -> tuple[int, int]:
    return len(plan.jobs), len(plan.faults) + len(plan.actions)


def row(twin: Twin) -> str:
    found = [h for h in twin.hunts if h.shrunk is not None]
    claimed = registry.find(twin.name).violates
    if not found:
        return f"| `{twin.name}` | {claimed} | 0 of {len(twin.hunts)} | | | | | |"
    sizes = [parts(h.shrunk) for h in found if h.shrunk]
    jobs, faults = (median(side) for side in zip(*sizes, strict=True))
    broken = sorted({h.guarantee or "" for h in found})
    return (
        f"| `{twin.name}` | {', '.join(broken)} | {len(found)} of {len(twin.hunts)} "
        f"| {median(h.schedules for h in found):,.0f} | {median(h.seconds for h in found):.2f} "
        f"| {max(h.seconds for h in found):.2f} | {jobs:g} / {faults:g} "
        f"| {1000 * median(h.shrink_s for h in found):.0f} |"
    )


def smallest(twin: Twin) -> Hunt | None:
    found = [h for h in twin.hunts if h.shrunk is not None]
    claimed = registry.find(twin.name).violates
    ordered = sorted(
        found, key=lambda h: (h.guarantee != claimed, *parts(h.shrunk)) if h.shrunk else (True,)
    )
    return ordered[0] if ordered else None


def page(twins: list[Twin], command: str, machine: str) -> str:
    found = [h for twin in twins for h in twin.hunts if h.shrunk is not None]
    hunts = sum(len(twin.hunts) for twin in twins)
    sizes = [parts(h.shrunk) for h in found if h.shrunk]
    jobs, faults = (median(side) for side in zip(*sizes, strict=True))
    summary = (
        f"Found: {len(found)} of {hunts} hunts. Median {median(h.seconds for h in found):.2f} s, "
        f"longest {max(h.seconds for h in found):.2f} s; median shrunk plan {jobs:g} jobs and "
        f"{faults:g} faults; median time to shrink it "
        f"{1000 * median(h.shrink_s for h in found):.0f} ms; "
        f"{sum(h.minimal for h in found)} of {len(found)} proved 1-minimal."
    )
    lines = [
        "# Broken twins, and how soon exploration finds them",
        "",
        f"Made by `{command}` on one core per twin; {machine}",
        "",
        summary,
        "",
        "| twin | broke | found | schedules | seconds | longest | jobs / faults | shrunk in ms |",
        "|---|---|---|---|---|---|---|---|",
        *(row(twin) for twin in twins),
        "",
        "## Which check finds which twin",
        "",
        f"Share of {RATED_SHARDS * 250:,} schedules that broke the guarantee, in percent.",
        "",
    ]
    seen = [g for g in GUARANTEES if any(g in twin.rates for twin in twins)]
    lines += [
        "| twin | " + " | ".join(seen) + " |",
        "|---" * (len(seen) + 1) + "|",
        *(
            f"| `{twin.name}` | "
            + " | ".join(f"{100 * twin.rates[g]:.1f}" if g in twin.rates else "" for g in seen)
            + " |"
            for twin in twins
        ),
        "",
        "## Replay",
        "",
    ]
    for twin in twins:
        if best := smallest(twin):
            assert best.shrunk is not None
            lines += [
                f"{twin.name}: {best.guarantee}",
                "",
                "```text",
                encode(best.shrunk, twin.name, "sim"),
                "```",
                "",
            ]
    return "\n".join(lines)


def machine_speed() -> str:
    plans = [schedule(seed) for seed in range(SCHEDULES)]
    start = time.perf_counter()
    for plan in plans:
        bare(plan)
    rate = len(plans) / (time.perf_counter() - start)
    return f"bare simpy ran {rate:,.0f} schedules of 30 jobs a second there."


def ordered(studies: Iterable[Twin]) -> list[Twin]:
    """With a line for each as it comes."""
    twins = []
    for twin in studies:
        print(row(twin), flush=True)
        twins.append(twin)
    return twins


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("twins", nargs="*")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--budget", type=float, default=60.0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    names = arguments.twins or [n for n in registry.names() if n.startswith("twin-")]
    machine = machine_speed()
    with ProcessPoolExecutor(arguments.jobs) as pool:
        count = len(names)
        twins = ordered(
            pool.map(study, names, [arguments.seeds] * count, [arguments.budget] * count)
        )
    if arguments.twins:
        return
    command = f"python benchmarks/find_twins.py --seeds {arguments.seeds}"
    PAGE.write_text(page(twins, command, machine), encoding="utf-8")
    print(PAGE)


if __name__ == "__main__":
    main()
