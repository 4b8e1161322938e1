"""A task of an additional stream is run again and again, each ten minutes.

A worker reads several streams, and acknowledges what it has done; but always to the first of them.
What came from another one stays pending there, and is claimed and run anew whenever it has been so
for ten minutes. taskiq-redis 1.1.2 acknowledges to the stream that the message came from.

The strike: the answer to the worker's acknowledgement is held on the wire for a moment, to know
that it was sent; nothing breaks. Eleven minutes later a second task is sent, since a worker looks
after it has read something.
"""

from __future__ import annotations

from ..backtest import Backtest, Side, Told
from ..stage import Stage

ORDER, POKE = "order-1", "order-2"
IDLE_S, LONGEST_S = 660.0, 20.0
COMMAND = ("worker", "taskiq_shop:wide", "--workers", "1", "--log-level", "INFO")


def stage(s: Stage, variant: str) -> Told:
    acked = s.hold_reply("XACK")
    worker = s.worker("taskiq", *COMMAND)
    if not s.until(lambda: any("istening" in line for line in worker.log)):
        return Told("inconclusive", "the worker never listened", tuple(worker.log[-3:]))
    s.ask("taskiq_shop:submit_mail", ORDER, "extra")
    if not s.until(lambda: acked.struck):
        return Told("inconclusive", "the worker never acknowledged", tuple(worker.log[-3:]))
    acked.release()
    mailed = f"mailed {ORDER}"
    s.until(lambda: s.ledger.count(mailed) > 1, IDLE_S)
    s.ask("taskiq_shop:submit_mail", POKE, "taskiq")
    if not s.until(lambda: f"mailed {POKE}" in s.ledger):
        return Told("inconclusive", "the worker ran nothing more", tuple(worker.log[-3:]))
    again = s.until(lambda: s.ledger.count(mailed) > 1, LONGEST_S)
    told = f"{ORDER} was mailed and acknowledged"
    if again:
        return Told("violated", f"{told}; {s.elapsed_s / 60:.0f} minutes later it is mailed again")
    return Told("held", f"{told}, and it is mailed once in {s.elapsed_s / 60:.0f} minutes")


BACKTEST = Backtest(
    "taskiq-redis-102",
    "https://github.com/taskiq-python/taskiq-redis/pull/102",
    "a task of an additional stream is run again each ten minutes",
    "taskiq_shop",
    (
        Side(("taskiq-redis==1.1.1", "taskiq==0.11.18", "redis==6.4.0"), "violated"),
        Side(("taskiq-redis==1.1.2", "taskiq==0.11.18", "redis==6.4.0"), "held"),
    ),
    stage,
)
