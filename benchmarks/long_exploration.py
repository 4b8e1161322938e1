"""The correct queue against very many schedules: every finding is a false alarm of ours.

Explores the backend with one seed after the other, in this process, and prints each finding as it
comes and a line for each seed. The exit code is 1 if anything was found.

    python benchmarks/long_exploration.py [--schedules N] [--seeds N] [--first-seed N] [BACKEND]
"""

from __future__ import annotations

import argparse
import sys
import time

from jobquake.backends import registry
from jobquake.harness.explore.shard import SCHEDULES, explore_shard


def explored(backend: str, seed: int, schedules: int) -> int:
    """How many schedules of this seed broke something; each first finding of a shard is printed."""
    adapter = registry.find(backend)
    began, ran, broken = time.perf_counter(), 0, 0
    for shard in range(-(-schedules // SCHEDULES)):
        seen = explore_shard(
            adapter,
            seed,
            shard,
            schedules=min(SCHEDULES, schedules - ran),
            stop_at_first=False,
        )
        ran += seen.schedules
        broken += sum(seen.broken.values())
        for found in seen.found:
            print(f"seed {seed}, shard {shard}, schedule {found.schedule}: {found.guarantee}")
            print(f"  {found.sentence}\n  jobquake replay '{found.replay}'", flush=True)
    rate = ran / (time.perf_counter() - began)
    print(f"seed {seed}: {ran:,} schedules, {broken} broke; {rate:,.0f} a second", flush=True)
    return broken


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("backend", nargs="?", default="reference")
    parser.add_argument("--schedules", type=int, default=200_000, help="with each seed")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=0)
    arguments = parser.parse_args()
    first = arguments.first_seed
    seeds = range(first, first + arguments.seeds)
    found = [explored(arguments.backend, seed, arguments.schedules) for seed in seeds]
    return 1 if any(found) else 0


if __name__ == "__main__":
    sys.exit(main())
