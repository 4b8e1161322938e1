"""A job that finished is later marked as failed, and its failure callbacks are called.

When a job succeeds, the worker watches its set of dependents, and commits. If a dependent is
enqueued in between, Redis refuses the commit and RQ tries again; but the first try has already
forgotten the execution, so the second leaves it in the StartedJobRegistry. Some minutes later a
registry cleanup finds it there, takes the job for abandoned and moves it to the FailedJobRegistry.
RQ 3.0 keeps the execution, and cleans up only jobs that are still started.

The strike: the answer to the worker's WATCH is held on the wire while a client enqueues a
dependent. The worker's maintenance interval is a minute instead of ten, since the finished job's
result is kept for 500 s.
"""

from __future__ import annotations

from ..backtest import Backtest, Side, Told
from ..stage import Stage

ORDER = "order-1"
LONGEST_S = 470.0  # an idle worker cleans up when it has waited for a job for 405 s


def stage(s: Stage, variant: str) -> Told:
    watched = s.hold_reply(f"{ORDER}:dependents")
    worker = s.worker(
        "rq", "worker", "q", "-u", f"redis://{s.wire}/0", "--maintenance-interval", "60"
    )
    s.ask("rq_shop:submit", "q", ORDER)
    if not s.until(lambda: watched.struck):
        return Told(
            "inconclusive", "the worker never watched the job's dependents", tuple(worker.log[-3:])
        )
    s.ask("rq_shop:submit_mail", "q", ORDER)
    watched.release()
    if not s.until(lambda: f"mailed {ORDER}" in s.ledger):
        return Told("inconclusive", "the job that depends on it never ran")
    s.until(lambda: "failed" in s.ask("rq_shop:look", "q", ORDER)["held"], LONGEST_S)
    seen = s.ask("rq_shop:look", "q", ORDER)
    lines = [line for line in worker.log if ORDER in line and ("Job OK" in line or "Moved" in line)]
    told = f"{ORDER} was charged, RQ said 'Job OK'"
    if seen["status"] == "failed":
        sentence = f"{told}, and {s.elapsed_s:.0f} s into the run RQ counts it as failed"
        return Told("violated", sentence, tuple(lines))
    if seen["status"] == "finished" and "started" not in seen["held"]:
        return Told(
            "held", f"{told}, and it is still finished {s.elapsed_s:.0f} s later", tuple(lines)
        )
    return Told("inconclusive", f"{told}, and RQ says {seen}", tuple(lines))


BACKTEST = Backtest(
    "rq-2424",
    "https://github.com/rq/rq/issues/2424",
    "a finished job is later marked as failed",
    "rq_shop",
    (
        Side(("rq==2.6.1", "redis==6.4.0"), "violated"),
        Side(("rq==2.12.0", "redis==6.4.0"), "violated"),
        Side(("rq==3.0.0", "redis==6.4.0"), "held"),
    ),
    stage,
)
