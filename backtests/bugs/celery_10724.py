"""Both callbacks of a task are called: the one for success and the one for failure.

A pool's child sends the success callback and stores the result; then it calls the task's handler
for success, and tells its parent. If it dies in between, the parent knows of a lost worker only,
and records a failure: the error callback is called for a task that has succeeded. A handler for
success that raises does the same. Celery 5.7 looks first whether a success was stored, and only
logs what the handler raised.

The strike: the answer to the child's write of the result is held on the wire, and the child is
killed, as the kernel kills it when memory runs out. Struck a little earlier, when the result is not
stored yet but the success callback is sent, 5.7 calls both, too.
"""

from __future__ import annotations

from ..backtest import Backtest, Side, Told
from ..stage import Stage

ORDER = "order-1"
EARLIER, RAISES = "before the result is stored", "its handler raises"
NOTICED = ("WorkerLostError", "exited with", "the books are closed")  # in the worker's log
LONGEST_S = 60.0  # the parent waits for 10 s at most for what a lost child may still have sent


def stage(s: Stage, variant: str) -> Told:
    # Before it writes, it reads whether there is a result already.
    reads, writes = f"GET\r\n$24\r\ncelery-task-meta-{ORDER}", '"status": "SUCCESS"'
    stored = s.hold_reply(reads if variant == EARLIER else writes)
    worker = s.worker(
        "celery", "-A", "celery_shop", "worker", "-c", "1", "-l", "INFO", "-n", "w1@h"
    )
    if not s.until(lambda: any(" ready." in line for line in worker.log)):
        return Told("inconclusive", "the worker never became ready", tuple(worker.log[-3:]))
    s.ask("celery_shop:submit", ORDER, variant == RAISES)
    if not s.until(lambda: stored.struck):
        return Told("inconclusive", "the worker never stored the result")
    if variant != RAISES:
        worker.kill_child()
    stored.release()
    s.until(lambda: any(line.startswith("refund") for line in s.ledger), LONGEST_S)
    if not s.until(lambda: f"receipt {ORDER}" in s.ledger):
        return Told("inconclusive", "the success callback never ran", tuple(worker.log[-3:]))
    told = f"{ORDER} was charged and its result is {s.ask('celery_shop:status', ORDER)}"
    log = (line for line in worker.log if line.startswith("["))
    lines = tuple(line for line in log if any(word in line for word in NOTICED))
    if any(line.startswith("refund") for line in s.ledger):
        return Told("violated", f"{told}; it got a receipt and a refund", lines)
    if not lines:
        return Told("inconclusive", f"{told}; the worker did not notice what was done to it")
    return Told("held", f"{told}; it got a receipt and no refund", lines)


BACKTEST = Backtest(
    "celery-10724",
    "https://github.com/celery/celery/issues/10724",
    "the success callback and the error callback are both called",
    "celery_shop",
    (
        Side(("celery[redis]==5.6.3",), "violated"),
        Side(("celery[redis]==5.7.0",), "held"),
        Side(("celery[redis]==5.6.3",), "violated", RAISES),
        Side(("celery[redis]==5.7.0",), "held", RAISES),
        Side(("celery[redis]==5.7.0",), "violated", EARLIER),
    ),
    stage,
)
