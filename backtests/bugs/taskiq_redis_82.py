"""What a killed worker has taken from a stream is never run: no worker claims it.

A message that a worker has read from the group of a stream is pending until it is acknowledged.
Workers ask for new messages only, so what was pending when one died stays so for ever. With
taskiq-redis 1.0.6 a worker claims, after each message that it reads, what has been pending for ten
minutes.

The strike: the worker is killed while it runs the task. Another one is started, and twelve minutes
later a second task is sent, since a worker looks after it has read something.
"""

from __future__ import annotations

from ..backtest import Backtest, Side, Told
from ..stage import Stage

ORDER, POKE = "order-1", "order-2"
IDLE_S, LONGEST_S = 720.0, 60.0
COMMAND = ("worker", "taskiq_shop:broker", "--workers", "1", "--log-level", "INFO")


def stage(s: Stage, variant: str) -> Told:
    taken = s.hold_reply("XREADGROUP", ORDER)
    first = s.worker("taskiq", *COMMAND)
    if not s.until(lambda: any("tarting" in line or "istening" in line for line in first.log)):
        return Told("inconclusive", "the worker never listened", tuple(first.log[-3:]))
    s.ask("taskiq_shop:submit", ORDER)
    if not s.until(lambda: taken.struck):
        return Told("inconclusive", "the worker never read the task", tuple(first.log[-3:]))
    taken.release()
    if not s.until(lambda: f"began {ORDER}" in s.ledger):
        return Told("inconclusive", "the task never began", tuple(first.log[-3:]))
    first.kill()
    second = s.worker("taskiq", *COMMAND)
    s.until(lambda: f"charged {ORDER}" in s.ledger, IDLE_S)
    s.ask("taskiq_shop:submit", POKE)
    s.until(lambda: f"charged {ORDER}" in s.ledger, LONGEST_S)
    if not s.until(lambda: f"began {POKE}" in s.ledger):
        return Told("inconclusive", "the second worker ran nothing", tuple(second.log[-3:]))
    told = f"the worker was killed while it ran {ORDER}"
    if f"charged {ORDER}" in s.ledger:
        return Told("held", f"{told}; {s.elapsed_s / 60:.0f} minutes into the run it was charged")
    pending = s.ask("taskiq_shop:pending")
    if not any(one["held_s"] > IDLE_S for one in pending):
        return Told("inconclusive", f"{told}; it is not pending: {pending}", tuple(second.log[-3:]))
    held_s = max(one["held_s"] for one in pending)
    return Told("violated", f"{told}; it has been pending for {held_s / 60:.0f} minutes, unclaimed")


BACKTEST = Backtest(
    "taskiq-redis-82",
    "https://github.com/taskiq-python/taskiq-redis/pull/82",
    "what a killed worker has read from a stream is never run",
    "taskiq_shop",
    (
        Side(("taskiq-redis==1.0.5", "taskiq==0.11.17", "redis==5.2.1"), "violated"),
        Side(("taskiq-redis==1.0.6", "taskiq==0.11.17", "redis==5.2.1"), "held"),
    ),
    stage,
)
