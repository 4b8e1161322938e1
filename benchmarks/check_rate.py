"""How the time of each check grows with the run that it judges.

The run of report_size.py, twelve workers with failures, kills and a broken network, is made
longer and longer, each time twice as long. Jobs have timeouts, priorities, delays and retries, so
that every check has something to judge. A twin that acks before it runs loses some (``--backend``
for another), and with ``--lost`` the ledger of a tenth of the jobs ends at their first delivery.
A check that looks at each row once takes twice as long each time: its exponent is 1, that of a
quadratic one 2.

    python benchmarks/check_rate.py [--rows 80000] [--doublings 4] [--lost] [--backend TWIN]
"""

from __future__ import annotations

import argparse
import resource
import time
from random import Random
from typing import NamedTuple

import numpy as np
import report_size
from jobquake.harness.checks import CHECKS, GUARANTEES
from jobquake.harness.plan.plan import Plan
from jobquake.harness.record.facts import Facts
from jobquake.harness.record.history import Event, History
from jobquake.harness.spec.lives import lives
from msgspec.structs import replace
from rich.console import Console
from rich.table import Table

FACTS, LIVES = "the facts", "the lives"


class Grown(NamedTuple):
    """One check: seconds at each size, and how they grow."""

    name: str
    seconds: list[float]

    @property
    def exponent(self) -> float:
        """Of the last two doublings."""
        return float(np.log2(self.seconds[-1] / self.seconds[-3]) / 2)


def varied(plan: Plan) -> Plan:
    """The plan with jobs of which every check has something to say."""
    rng = Random(2)
    jobs = tuple(
        replace(
            job,
            timeout_s=rng.choice((5.0, 30.0, 300.0)),
            priority=rng.choice((0, 0, 1, 9)),
            delay_s=rng.choice((0.0, 0.0, 0.0, 2.0)),
        )
        for job in plan.jobs
    )
    return replace(plan, jobs=jobs, guarantees=tuple(GUARANTEES))


def with_losses(facts: Facts) -> Facts:
    """The same run, in which every tenth job is heard of no more after it was handed out."""
    history = facts.history
    first = np.full(facts.jobs + 1, len(history))
    leased = history.where(Event.LEASED)
    np.minimum.at(first, history["job"][leased], leased)
    job = history["job"]
    after = np.arange(len(history)) > first[job]
    gone = (job >= 0) & (job % 10 == 0) & after
    return Facts(facts.plan, facts.claims, History(history.rows[~gone]))


def seconds(facts: Facts, names: list[str]) -> dict[str, float]:
    """The processor time of each, in the order of a judgement: what is shared is made once."""
    fresh = Facts(facts.plan, facts.claims, facts.history)
    took, began = {}, time.process_time()

    def note(name: str) -> None:
        nonlocal began
        now = time.process_time()
        took[name], began = now - began, now

    _ = fresh.work, fresh.rows(Event.LEASED)
    note(FACTS)
    lives(fresh)
    note(LIVES)
    for name in names:
        check = CHECKS[name]
        check.answer(fresh)
        note(name)
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=80_000, help="of the shortest run")
    parser.add_argument("--doublings", type=int, default=4, help="how often it is doubled")
    parser.add_argument("--lost", action="store_true", help="a tenth of the jobs is lost")
    parser.add_argument("--backend", default=report_size.BACKEND, help="whose run it is")
    parser.add_argument("--check", action="append", help="only this one (again for more)")
    asked = parser.parse_args()
    plain, report_size.BACKEND = report_size.plan_of, asked.backend
    report_size.plan_of = lambda jobs: varied(plain(jobs))
    names = asked.check or list(GUARANTEES)
    sizes = [asked.rows << doubling for doubling in range(max(2, asked.doublings) + 1)]
    found: dict[str, list[float]] = {}
    for rows in sizes:
        facts, _ = report_size.tiled(rows)
        if asked.lost:
            facts = with_losses(facts)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for name, took in seconds(facts, names).items():
            found.setdefault(name, []).append(took)
        more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        total = sum(times[-1] for times in found.values())
        print(f"{rows:>10,} rows: {total:7.2f} s, {more:5.0f} MiB more than the rows", flush=True)
    grown = sorted((Grown(*one) for one in found.items()), key=lambda one: -one.seconds[-1])
    table = Table("check", *(f"{rows:,}" for rows in sizes), "exponent", title="seconds")
    for one in grown:
        table.add_row(one.name, *(f"{took:.3f}" for took in one.seconds), f"{one.exponent:.2f}")
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
