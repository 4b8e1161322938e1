"""A job whose worker was killed is put down as failed, and its failure callback is not called.

The registry of started jobs is cleaned up now and then: what has been there for too long was
abandoned and becomes a failed job. Whoever waits to be told of failures was not told of these. RQ
1.15 calls the callback there, too.

The strike: the worker is killed, with its work-horse, while that runs the job
(:mod:`..killed_rq_worker`).
"""

from __future__ import annotations

from ..backtest import Backtest, Side, Told
from ..killed_rq_worker import killed_rq_worker
from ..stage import Stage

ORDER = "order-1"
LONGEST_S = 2400.0  # it cleans up every ten minutes at most, and only between two waits


def stage(s: Stage, variant: str) -> Told:
    second = killed_rq_worker(s, "rq_shop:submit_slow", ORDER)
    if isinstance(second, Told):
        return second
    s.until(lambda: ORDER in s.ask("rq_shop:failed", "q"), LONGEST_S)
    told = f"{ORDER}'s worker was killed"
    if ORDER not in s.ask("rq_shop:failed", "q"):
        return Told("inconclusive", f"{told}; it never became failed", tuple(second.log[-3:]))
    told = f"{told}; {s.elapsed_s / 60:.0f} minutes into the run RQ counts it as failed"
    if s.until(lambda: f"refunded {ORDER}" in s.ledger, 5.0):
        return Told("held", f"{told}, and it was refunded")
    return Told("violated", f"{told}, and nobody refunded it")


BACKTEST = Backtest(
    "rq-1824",
    "https://github.com/rq/rq/pull/1824",
    "the failure callback of a job whose worker was killed is not called",
    "rq_shop",
    (
        Side(("rq==1.12.0", "redis==4.6.0"), "violated"),
        Side(("rq==1.15.1", "redis==4.6.0"), "held"),
    ),
    stage,
)
