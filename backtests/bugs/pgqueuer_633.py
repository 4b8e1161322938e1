"""What a killed worker was running is never taken back: it counts against its own limit.

A job whose worker has said nothing for half a minute may be claimed by another one. In PgQueuer
1.0.1 it is, if its entrypoint has fewer jobs under way than its ``concurrency_limit``. The job of
the dead worker is one of those: with a limit of 1 nobody may ever claim it, nor any other job of
that entrypoint. PgQueuer 1.0.2 asks for no free place where a job is claimed again.

The strike: the worker is killed while it runs the task. Another one is started.
"""

from __future__ import annotations

from ..backtest import Backtest, Side, Told
from ..killed_worker import killed_while_it_runs
from ..stage import Stage

ORDER, NEXT = "order-1", "order-2"
LONGEST_S = 300.0  # ten times what a worker's silence may last
COMMAND = ("pgq", "run", "pgqueuer_shop:main")


def stage(s: Stage, variant: str) -> Told:
    s.ask("pgqueuer_shop:prepare")
    taken = s.hold_reply("", ORDER)
    second = killed_while_it_runs(
        s, taken, COMMAND, lambda: s.ask("pgqueuer_shop:submit", ORDER), ORDER
    )
    if isinstance(second, Told):
        return second
    s.ask("pgqueuer_shop:submit", NEXT)
    s.until(lambda: f"charged {ORDER}" in s.ledger, LONGEST_S)
    told = f"the worker was killed while it ran {ORDER}"
    if f"charged {ORDER}" in s.ledger:
        return Told("held", f"{told}; {s.elapsed_s:.0f} s into the run it was charged")
    jobs = s.ask("pgqueuer_shop:look")
    picked = [job["silent_s"] for job in jobs if job["status"] == "picked"]
    if not picked or picked[0] < LONGEST_S / 2:
        return Told("inconclusive", f"{told}; PgQueuer has {jobs}", tuple(second.log[-3:]))
    waits = "and the next order waits, too" if f"began {NEXT}" not in s.ledger else ""
    return Told(
        "violated",
        f"{told}; it has been 'picked' for {picked[0]:.0f} s without a heartbeat, {waits}",
    )


BACKTEST = Backtest(
    "pgqueuer-633",
    "https://github.com/janbjorge/pgqueuer/pull/633",
    "what a killed worker was running is never taken back, and nothing else is run",
    "pgqueuer_shop",
    (
        Side(("pgqueuer==1.0.1", "asyncpg==0.31.0", "typer==0.16.1"), "violated"),
        Side(("pgqueuer==1.0.2", "asyncpg==0.31.0", "typer==0.16.1"), "held"),
    ),
    stage,
    "postgres",
)
