"""A worker that dies while it looks for forgotten messages keeps all others from looking.

Who claims what has been pending in a stream for too long takes a lock in Redis first. The lock had
no end: if its holder is killed, every worker finds it taken, and nothing is claimed any more.
taskiq-redis 1.2.2 can be given one, ``unacknowledged_lock_timeout``.

The strike: a worker is killed while it runs the task, so the task is pending. Eleven minutes later
another one looks for it; the answer to its XAUTOCLAIM is held on the wire, and it is killed, too.
"""

from __future__ import annotations

from ..backtest import Backtest, Side, Told
from ..stage import Stage, Worker

ORDER = "order-1"
IDLE_S, LONGEST_S = 660.0, 20.0
COMMAND = ("worker", "taskiq_shop:broker", "--workers", "1", "--log-level", "INFO")


def stage(s: Stage, variant: str) -> Told:
    first = _worker(s)
    s.ask("taskiq_shop:submit", ORDER)
    if not s.until(lambda: f"began {ORDER}" in s.ledger):
        return Told("inconclusive", "the task never began", tuple(first.log[-3:]))
    first.kill()
    claims = s.hold_reply("XAUTOCLAIM", ORDER)
    second = _worker(s)
    s.until(lambda: claims.struck, IDLE_S)
    s.ask("taskiq_shop:submit", "order-2")  # a worker looks after it has read something
    if not s.until(lambda: claims.struck):
        return Told("inconclusive", "the second worker claimed nothing", tuple(second.log[-3:]))
    second.kill()
    claims.release()
    third = _worker(s)
    charged = f"charged {ORDER}"
    s.until(lambda: charged in s.ledger, IDLE_S)
    s.ask("taskiq_shop:submit", "order-3")
    if not s.until(lambda: "began order-3" in s.ledger):
        return Told("inconclusive", "the third worker ran nothing", tuple(third.log[-3:]))
    told = "a worker was killed while it claimed what another dead one had left"
    if s.until(lambda: charged in s.ledger, LONGEST_S):
        return Told("held", f"{told}; a third one claimed {ORDER} and charged it")
    if not s.ask("taskiq_shop:pending"):
        return Told("inconclusive", f"{told}; nothing is pending", tuple(third.log[-3:]))
    locks = s.ask("taskiq_shop:locks")
    if not locks:
        return Told("inconclusive", f"{told}; nobody has the lock", tuple(third.log[-3:]))
    since = f"{s.elapsed_s / 60:.0f} minutes into the run"
    return Told("violated", f"{told}; {since} {ORDER} is still pending, and {locks[0]} is taken")


def _worker(s: Stage) -> Worker:
    worker = s.worker("taskiq", *COMMAND)
    s.until(lambda: any("istening" in line for line in worker.log))
    return worker


BACKTEST = Backtest(
    "taskiq-redis-107",
    "https://github.com/taskiq-python/taskiq-redis/pull/107",
    "who dies while it claims forgotten messages keeps all others from claiming",
    "taskiq_shop",
    (
        Side(("taskiq-redis==1.1.2", "taskiq==0.11.18", "redis==6.4.0"), "violated"),
        Side(("taskiq-redis==1.2.2", "taskiq==0.12.6", "redis==7.4.1"), "held"),
    ),
    stage,
)
