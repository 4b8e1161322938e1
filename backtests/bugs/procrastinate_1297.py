"""A job that runs is taken for stalled, and is run once more beside itself: it is charged twice.

A job whose worker died stays 'doing'. The documentation has a periodic task that asks for jobs that
began longer ago than any takes, and retries them. Procrastinate 2.15.1 looks whether a job ever
began so long ago: one that was retried once is given out as stalled each time from then on, while
its second try is under way. 3.0.2 looks when the job began last.

The strike: the worker is killed while it runs the task. Another one is started.
"""

from __future__ import annotations

from ..backtest import Backtest, Side, Told
from ..killed_worker import killed_while_it_runs
from ..stage import Stage

ORDER = "order-1"
FETCH = "procrastinate_fetch_job"
LONGEST_S = 1200.0  # stalled after 400 s, asked for each minute, and it takes 300 s
COMMAND = ("procrastinate", "--app", "procrastinate_shop.app", "worker", "--concurrency", "4")


def stage(s: Stage, variant: str) -> Told:
    s.ask("procrastinate_shop:prepare")
    taken = s.hold_reply(FETCH, ORDER)
    second = killed_while_it_runs(
        s, taken, COMMAND, lambda: s.ask("procrastinate_shop:submit", ORDER), ORDER
    )
    if isinstance(second, Told):
        return second
    s.until(lambda: f"charged {ORDER}" in s.ledger, LONGEST_S)
    s.until(lambda: s.ledger.count(f"charged {ORDER}") > 1, LONGEST_S / 2)
    lines, told = tuple(s.ledger), f"the worker was killed while it ran {ORDER}"
    if f"rescued {ORDER}" not in lines:
        return Told("inconclusive", f"{told}; nobody rescued it", tuple(second.log[-3:]))
    if (times := lines.count(f"charged {ORDER}")) > 1:
        rescues = lines.count(f"rescued {ORDER}")
        sentence = f"{told}; it was rescued {rescues} times and charged {times} times"
        return Told("violated", sentence, lines)
    if not times:
        return Told("inconclusive", f"{told}; it was rescued and not charged", lines)
    return Told("held", f"{told}; it was rescued once and charged once", lines)


BACKTEST = Backtest(
    "procrastinate-1297",
    "https://github.com/procrastinate-org/procrastinate/issues/1297",
    "a job that was retried once is taken for stalled while it runs, and is run twice",
    "procrastinate_shop",
    (
        Side(
            ("procrastinate==2.15.1", "psycopg[binary]==3.2.4", "psycopg-pool==3.2.4"), "violated"
        ),
        Side(("procrastinate==3.0.2", "psycopg[binary]==3.2.4", "psycopg-pool==3.2.4"), "held"),
    ),
    stage,
    "postgres",
)
