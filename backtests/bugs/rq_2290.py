"""A job that finished is later marked as failed: each one, where jobs are spawned.

The process that runs the job takes it from the worker by its id. In RQ 2.4.1 it does not know which
execution it is, so that nobody takes that out of the StartedJobRegistry when the job is done. The
next cleanup finds it there, takes the job for abandoned and moves it to the FailedJobRegistry.
In RQ 2.5 the process looks the execution up.

The strike: none but time. The answer to what the worker asks of the job is held on the wire for a
moment, to know that it has it. Its maintenance interval is a minute instead of ten, since the
finished job's result is kept for 500 s.
"""

from __future__ import annotations

from ..backtest import Backtest, Side, Told
from ..stage import Stage

ORDER = "order-1"
LONGEST_S = 470.0  # an idle worker cleans up when it has waited for a job for 405 s
COMMAND = ("worker", "q", "-w", "rq.worker.SpawnWorker", "--maintenance-interval", "60")


def stage(s: Stage, variant: str) -> Told:
    taken = s.hold_reply(f"rq:job:{ORDER}")
    worker = s.worker("rq", *COMMAND, "-u", f"redis://{s.wire}/0")
    s.ask("rq_shop:submit", "q", ORDER)
    if not s.until(lambda: taken.struck):
        return Told("inconclusive", "the worker never took the job", tuple(worker.log[-3:]))
    taken.release()
    if not s.until(lambda: f"charged {ORDER}" in s.ledger):
        return Told("inconclusive", "the job never ran", tuple(worker.log[-3:]))
    s.until(lambda: "failed" in s.ask("rq_shop:look", "q", ORDER)["held"], LONGEST_S)
    seen = s.ask("rq_shop:look", "q", ORDER)
    told = f"{ORDER} was charged; {s.elapsed_s:.0f} s into the run RQ says that it is"
    if seen["status"] == "failed":
        return Told("violated", f"{told} failed")
    if seen["status"] == "finished" and "started" not in seen["held"]:
        return Told("held", f"{told} finished")
    return Told("inconclusive", f"{told} {seen}", tuple(worker.log[-3:]))


BACKTEST = Backtest(
    "rq-2290",
    "https://github.com/rq/rq/issues/2290",
    "a job that a SpawnWorker finished is later marked as failed",
    "rq_shop",
    (
        Side(("rq==2.4.1", "redis==6.4.0"), "violated"),
        Side(("rq==2.5.0", "redis==6.4.0"), "held"),
    ),
    stage,
)
