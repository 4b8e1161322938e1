"""Every scenario with real processes in leaping time, seed after seed, on the three main places.

Each run is a line of ``runs.jsonl`` in the folder, written when it is done: the same command goes
on where it was stopped. A run that is not as expected is kept whole beside it, and a violation is
repeated in real time, as ``jobquake run`` does. Prints whatever is not as expected, a line for each
seed and one for each place at the end; ends with 1 if anything was not as expected.

    nice -n 10 python benchmarks/leaping_scenarios.py FOLDER [--seeds 0-19] [BACKEND ...]
    python benchmarks/leaping_scenarios.py FOLDER --seeds 0-0 --repeats 10 --busy 6 --only burst
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
from jobquake import lookup
from jobquake.experiments import experiments_of
from jobquake.harness.confirm import run_and_confirm
from jobquake.harness.run_folder import folder_name, save
from jobquake.skipping import sort_out
from msgspec import Struct

BACKENDS = ("reference", "reference-redis", "reference-postgres")
FILE = "runs.jsonl"


class Done(Struct, frozen=True):
    """One run. ``verdict`` is the one that counts: a control holds if its check was violated."""

    backend: str
    scenario: str
    seed: int
    verdict: str
    sentence: str
    time: str
    confirmation: str
    duration_s: float
    real_s: float
    repeat: int = 0

    @property
    def key(self) -> tuple[str, str, int, int]:
        return self.backend, self.scenario, self.seed, self.repeat


def known(folder: Path) -> list[Done]:
    """What was done; a line that was cut short is run again."""
    found = []
    for line in (folder / FILE).read_bytes().splitlines() if (folder / FILE).exists() else ():
        try:
            found.append(msgspec.json.decode(line, type=Done))
        except msgspec.MsgspecError:
            continue
    return found


@contextmanager
def busy(loops: int) -> Iterator[None]:
    """So many processes that compute beside the runs."""
    loop = [sys.executable, "-c", "while True: pass"]
    others = [subprocess.Popen(loop) for _ in range(loops)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def run_seed(
    seed: int,
    repeat: int,
    only: Sequence[str],
    backends: Sequence[str],
    folder: Path,
    done: list[Done],
) -> None:
    systems = [lookup.backend(name) for name in backends]
    keys = {one.key for one in done}
    wanted = experiments_of(tuple(only), seed, not only, "process")
    pairs, _ = sort_out(wanted, systems, "leap")
    for system, (plan, control, *_rest) in pairs:
        if (system.name, plan.full_name, seed, repeat) in keys:
            continue
        began = time.monotonic()
        ran = run_and_confirm(plan, system, "process", control, time="leap")
        result = ran.result
        one = Done(
            system.name,
            plan.full_name,
            seed,
            result.as_expected,
            result.sentence,
            result.environment["time"],
            result.confirmation.sentence if result.confirmation else "",
            result.duration_s,
            round(time.monotonic() - began, 3),
            repeat,
        )
        if one.verdict != "held":
            print(f"{one.verdict}: {one.scenario} on {one.backend}, seed {seed}: {one.sentence}")
            print(f"  {one.confirmation or one.time}\n  {result.replay_command}", flush=True)
            name = folder_name(plan.scenario, plan.variant, system.name, "process", seed, repeat)
            save(ran, folder / name, {})
        with (folder / FILE).open("ab") as file:
            file.write(msgspec.json.encode(one) + b"\n")
        done.append(one)


def line(what: str, done: Sequence[Done]) -> str:
    verdicts = Counter(one.verdict for one in done)
    told = ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items()))
    virtual_s, real_s = sum(o.duration_s for o in done), sum(o.real_s for o in done)
    return f"{what}: {len(done)} runs ({told}), {virtual_s:.0f} s of time in {real_s:.0f} s"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("backends", nargs="*", default=BACKENDS)
    parser.add_argument("--seeds", default="0-19", help="such as 0-19, both of them as well")
    parser.add_argument("--only", action="append", default=[], metavar="SCENARIO")
    parser.add_argument("--repeats", type=int, default=1, help="of each seed")
    parser.add_argument("--busy", type=int, default=0, help="processes that compute beside them")
    arguments = parser.parse_intermixed_args()
    first, last = map(int, arguments.seeds.split("-"))
    folder: Path = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    done = known(folder)
    with busy(arguments.busy):
        for seed in range(first, last + 1):
            for repeat in range(arguments.repeats):
                run_seed(seed, repeat, arguments.only, arguments.backends, folder, done)
            print(line(f"seed {seed}", [one for one in done if one.seed == seed]), flush=True)
    asked = [o for o in done if first <= o.seed <= last and o.backend in arguments.backends]
    for backend in arguments.backends:
        print(line(backend, [one for one in asked if one.backend == backend]))
    return int(any(one.verdict != "held" for one in asked))


if __name__ == "__main__":
    raise SystemExit(main())
