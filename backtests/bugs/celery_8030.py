"""A worker that has lost its broker connects again, says so, and takes no task any more.

While Redis is away, a worker tries to connect, and each try leaves a half-made channel behind. When
such a one is collected, its connection is closed once more, and kombu 5.3.7 takes that for the loss
of the connection in use: it takes the poll of Redis out of the event loop. The worker is alive,
answers pings, and asks for nothing. kombu 5.4.0 listens only to channels that were in the poll.

The strike: the wire to Redis is cut, as when Redis restarts, until the worker has tried three times
to connect; then it is mended.
"""

from __future__ import annotations

from ..backtest import Backtest, Side, Told
from ..stage import Stage, Worker

CUTS, TRIES = 3, 3
LOST, AWAY, AGAIN = "Connection to broker lost", "Cannot connect to redis", "Connected to redis"
LONGEST_S = 60.0


def stage(s: Stage, variant: str) -> Told:
    worker = s.worker(
        "celery", "-A", "celery_shop", "worker", "-c", "1", "-l", "INFO", "-n", "w1@h"
    )
    if not s.until(lambda: _said(worker, " ready.")):
        return Told("inconclusive", "the worker never became ready", tuple(worker.log[-3:]))
    for cut in range(1, CUTS + 1):
        if told := _cut(s, worker, cut):
            return told
    sentence = f"the wire was cut and mended {CUTS} times; the worker took a task each time"
    return Told("held", sentence)


def _cut(s: Stage, worker: Worker, cut: int) -> Told | None:
    """What is wrong with the worker after it has lost its broker so many times, if anything is."""
    order, tries = f"order-{cut}", _said(worker, AWAY) + TRIES
    s.cut()
    if not s.until(lambda: _said(worker, LOST) >= cut and _said(worker, AWAY) >= tries):
        return Told("inconclusive", "the worker never lost its broker", tuple(worker.log[-3:]))
    s.mend()
    if not s.until(lambda: _said(worker, AGAIN) > cut):
        return Told("inconclusive", "it never connected again", tuple(worker.log[-3:]))
    s.ask("celery_shop:submit", order, False)
    if s.until(lambda: f"charged {order}" in s.ledger, LONGEST_S):
        return None
    told = f"the wire was cut and mended, {cut} of {CUTS} times; the worker connected again"
    lines = tuple(line for line in worker.log if AWAY in line or AGAIN in line)
    return Told("violated", f"{told} and took no task for {LONGEST_S:.0f} s", lines)


def _said(worker: Worker, words: str) -> int:
    """How often these words are in its log."""
    return sum(words in line for line in worker.log)


BACKTEST = Backtest(
    "celery-8030",
    "https://github.com/celery/celery/issues/8030",
    "a worker that has lost its broker connects again and takes no task any more",
    "celery_shop",
    (
        Side(("kombu==5.3.7", "celery[redis]==5.4.0", "redis==5.0.8"), "violated"),
        Side(("kombu==5.4.0", "celery[redis]==5.4.0", "redis==5.0.8"), "held"),
    ),
    stage,
)
