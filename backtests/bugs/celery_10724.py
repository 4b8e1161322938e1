"""Both callbacks of a task are called: the one for success and the one for failure.

A pool's child sends the success callback and stores the result, and then tells its parent. If it
dies in between, the parent knows of a lost worker only, and records a failure: the error callback
is called for a task that has succeeded. Celery 5.7 looks first whether a success was stored.

The strike: the answer to the child's write of the result is held on the wire, and the child is
killed, as the kernel kills it when memory runs out. Struck a little earlier, when the result is not
stored yet but the success callback is sent, 5.7 calls both, too.
"""

from __future__ import annotations

from ..backtest import Backtest, Side, Told
from ..stage import Stage

ORDER = "order-1"
EARLIER = "before the result is stored"
LONGEST_S = 60.0  # the parent waits for 10 s at most for what a lost child may still have sent


def stage(s: Stage, variant: str) -> Told:
    # Before it writes, it reads whether there is a result already.
    wanted = (
        f"GET\r\n$24\r\ncelery-task-meta-{ORDER}" if variant == EARLIER else '"status": "SUCCESS"'
    )
    stored = s.hold_reply(wanted)
    worker = s.worker(
        "celery", "-A", "celery_shop", "worker", "-c", "1", "-l", "INFO", "-n", "w1@h"
    )
    if not s.until(lambda: any(" ready." in line for line in worker.log)):
        return Told("inconclusive", "the worker never became ready", tuple(worker.log[-3:]))
    s.ask("celery_shop:submit", ORDER)
    if not s.until(lambda: stored.struck):
        return Told("inconclusive", "the worker never stored the result")
    worker.kill_child()
    stored.release()
    s.until(lambda: any(line.startswith("refund") for line in s.ledger), LONGEST_S)
    if not s.until(lambda: f"receipt {ORDER}" in s.ledger):
        return Told("inconclusive", "the success callback never ran", tuple(worker.log[-3:]))
    told = f"{ORDER} was charged and its result is {s.ask('celery_shop:status', ORDER)}"
    log = (line for line in worker.log if line.startswith("["))
    lines = tuple(line for line in log if "lost" in line.lower() or "exited" in line)
    if any(line.startswith("refund") for line in s.ledger):
        return Told("violated", f"{told}; it got a receipt and a refund", lines)
    if not lines:
        return Told("inconclusive", f"{told}; the worker did not notice that its child died")
    return Told("held", f"{told}; it got a receipt and no refund", lines)


BACKTEST = Backtest(
    "celery-10724",
    "https://github.com/celery/celery/pull/10724",
    "the success callback and the error callback are both called",
    "celery_shop",
    (
        Side(("celery[redis]==5.6.3",), "violated"),
        Side(("celery[redis]==5.7.0",), "held"),
        Side(("celery[redis]==5.7.0",), "violated", EARLIER),
    ),
    stage,
)
