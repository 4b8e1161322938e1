"""The same death of the same job, again and again: is it told in the same way each time?

Celery and RQ, at their defaults and in the safe configuration of the board, each with a pool of
processes and in one process; the process that runs a job is killed, or the whole worker. Celery's
visibility timeout is a minute, unless it is said: an hour costs more and shows the same. Each run
is a line of ``runs.jsonl`` in the folder, written when it is done: the same command goes on where
it was stopped. Prints a table; ends with 1 if something was told in more than one way.

    nice -n 10 python benchmarks/same_verdicts.py FOLDER [--repeats 10] [--busy 6] [--only celery]
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import msgspec
from jobquake.board.cell import system_of
from jobquake.board.columns import column, plan_of
from jobquake.errors import JobquakeError
from jobquake.frameworks.app import look
from jobquake.frameworks.shop import SHOP
from jobquake.frameworks.system import AppSystem
from jobquake.harness.record.facts import Facts
from jobquake.harness.run import run
from msgspec import Struct

FILE = "runs.jsonl"
SEED = 0
COLUMNS = ("process killed", "worker killed")
ONE_PROCESS = {"celery": "solo", "rq": "SimpleWorker"}


class Done(Struct, frozen=True):
    """One run: its verdict, what became of the job that was struck, and of the others."""

    what: str
    column: str
    busy: int
    repeat: int
    verdict: str
    struck: str
    others: dict[str, int]
    recovery_s: float | None
    duration_s: float
    real_s: float

    @property
    def told(self) -> str:
        return f"{self.struck}, {self.verdict}"


def systems(only: str, visibility_s: float) -> Iterator[tuple[str, AppSystem]]:
    for shop, one_process in ONE_PROCESS.items():
        for configuration in ("default", "safe"):
            system = system_of(shop, configuration)
            if shop == "celery":
                hidden = {"visibility_timeout": visibility_s}
                system = changed(system, broker_transport_options=hidden)
            for name in ("", one_process):
                called = ", ".join(filter(None, (shop, configuration, name)))
                if only in called:
                    yield called, in_one_process(system) if name else system


def changed(system: AppSystem, **settings: object) -> AppSystem:
    """The same app with these settings, too."""
    said = {**json.loads(system.app.env[SHOP]), **settings}
    app = replace(system.app, env={SHOP: json.dumps(said)})
    return AppSystem(app, *look(app))


def in_one_process(system: AppSystem) -> AppSystem:
    app = system.app
    if system.library.name == "celery":
        return changed(system, worker_pool="solo")
    usual = system.library.worker(app.python, app.target, system.looked, (), 0)
    words = [*(app.worker_words or usual), "-w", "rq.SimpleWorker"]
    app = replace(app, worker=shlex.join(words))
    return AppSystem(app, *look(app))


@contextmanager
def busy(loops: int) -> Iterator[None]:
    """So many processes that compute beside the runs."""
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(loops)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def known(folder: Path) -> list[Done]:
    lines = (folder / FILE).read_bytes().splitlines() if (folder / FILE).exists() else []
    return [msgspec.json.decode(line, type=Done) for line in lines]


def once(called: str, system: AppSystem, name: str, loops: int, repeat: int) -> Done:
    plan, began = plan_of(column(name), SEED, system), time.monotonic()
    struck = plan.faults[0].job  # type: ignore[attr-defined]
    try:
        done = run(plan, system, "process", time="leap")
    except JobquakeError as error:
        real_s = round(time.monotonic() - began, 1)
        return Done(called, name, loops, repeat, "unproved", str(error), {}, None, 0.0, real_s)
    facts = Facts(done.plan, done.claims, done.history)
    others = Counter(facts.outcome(job) for job in range(facts.jobs) if job != struck)
    return Done(
        called,
        name,
        loops,
        repeat,
        done.result.verdict,
        facts.outcome(struck),
        dict(sorted(others.items())),
        done.result.recovery_s,
        done.result.duration_s,
        round(time.monotonic() - began, 1),
    )


def table(done: Sequence[Done]) -> str:
    heads = ("configuration", "struck", "busy", "runs", "told", "recovered after", "real s")
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    for what, name, loops in dict.fromkeys((one.what, one.column, one.busy) for one in done):
        of = [one for one in done if (one.what, one.column, one.busy) == (what, name, loops)]
        told = "; ".join(f"{times} {word}" for word, times in Counter(o.told for o in of).items())
        waits = [one.recovery_s for one in of if one.recovery_s]
        cells = (what, name, loops, len(of), told, span(waits), span([one.real_s for one in of]))
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def span(seconds: Sequence[float]) -> str:
    return f"{min(seconds):.1f} to {max(seconds):.1f}" if seconds else ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--busy", type=int, default=0, help="processes that compute beside them")
    parser.add_argument("--visibility", type=float, default=60.0, help="Celery's, in seconds")
    parser.add_argument("--only", default="", help="configurations whose name has this")
    arguments = parser.parse_args()
    folder: Path = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    done = known(folder)
    keys = {(one.what, one.column, one.busy, one.repeat) for one in done}
    with busy(arguments.busy):
        for called, system in systems(arguments.only, arguments.visibility):
            for name in COLUMNS:
                for repeat in range(arguments.repeats):
                    if (called, name, arguments.busy, repeat) in keys:
                        continue
                    one = once(called, system, name, arguments.busy, repeat)
                    with (folder / FILE).open("ab") as file:
                        file.write(msgspec.json.encode(one) + b"\n")
                    done.append(one)
    print(table(done))
    told = {(one.what, one.column): set[str]() for one in done}
    for one in done:
        told[one.what, one.column].add(one.told)
    return int(any(len(ways) > 1 for ways in told.values()))


if __name__ == "__main__":
    raise SystemExit(main())
