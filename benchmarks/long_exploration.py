"""The correct queue against very many schedules: every finding is a false alarm of ours.

Explores the backend with one seed after the other, in this process, and prints each finding as it
comes and a line for each seed; how far it is goes to standard error. The exit code is 1 if anything
was found. What was interrupted goes on with ``--first-shard``: shards do not depend on each other.

    python benchmarks/long_exploration.py [--schedules N] [--seeds N] [--first-seed N]
        [--first-shard N] [BACKEND]
"""

from __future__ import annotations

import argparse
import sys
import time

from jobquake.backends import registry
from jobquake.harness.explore.shard import SCHEDULES, explore_shard

TOLD_EVERY = 20  # shards


def explored(backend: str, seed: int, schedules: int, first: int = 0) -> int:
    """How many schedules of this seed broke something; each first finding of a shard is printed."""
    adapter = registry.find(backend)
    began, ran, broken, shards = time.perf_counter(), 0, 0, -(-schedules // SCHEDULES)
    for shard in range(first, shards):
        asked = min(SCHEDULES, schedules - shard * SCHEDULES)
        seen = explore_shard(adapter, seed, shard, schedules=asked, stop_at_first=False)
        ran += seen.schedules
        broken += sum(seen.broken.values())
        if (shard + 1) % TOLD_EVERY == 0:
            print(f"seed {seed}: shard {shard + 1} of {shards}", file=sys.stderr, flush=True)
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
    parser.add_argument("--first-shard", type=int, default=0, help="of the first seed")
    arguments = parser.parse_args()
    first = arguments.first_seed
    found = [
        explored(
            arguments.backend,
            seed,
            arguments.schedules,
            arguments.first_shard if seed == first else 0,
        )
        for seed in range(first, first + arguments.seeds)
    ]
    return 1 if any(found) else 0


if __name__ == "__main__":
    sys.exit(main())
