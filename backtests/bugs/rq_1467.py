"""A job whose worker was killed is put down as failed, although it may be tried again.

The registry of started jobs is cleaned up now and then: what has been there for too long was
abandoned and becomes a failed job, however often it may be tried. RQ 1.8.1 tries it again.

The strike: the worker is killed, with its work-horse, while that runs the job
(:mod:`..killed_rq_worker`).
"""

from __future__ import annotations

from ..backtest import Backtest, Side, Told
from ..killed_rq_worker import killed_rq_worker
from ..stage import Stage

ORDER = "order-1"
LONGEST_S = 3000.0  # it cleans up every ten minutes at most, and only between two waits


def stage(s: Stage, variant: str) -> Told:
    second = killed_rq_worker(s, "rq_shop:submit_patient", ORDER)
    if isinstance(second, Told):
        return second
    charged = f"charged {ORDER}"
    s.until(lambda: charged in s.ledger or ORDER in s.ask("rq_shop:failed", "q"), LONGEST_S)
    told = f"{ORDER} may be tried twice again; its worker was killed"
    if charged in s.ledger:
        since = f"{s.elapsed_s / 60:.0f} minutes into the run"
        return Told("held", f"{told}, and {since} it was tried again and charged")
    if ORDER in s.ask("rq_shop:failed", "q"):
        return Told("violated", f"{told}, and RQ counts it as failed without another try")
    return Told("inconclusive", f"{told}; nothing became of it", tuple(second.log[-3:]))


BACKTEST = Backtest(
    "rq-1467",
    "https://github.com/rq/rq/pull/1467",
    "a job whose worker was killed is failed, although it may be tried again",
    "rq_shop",
    (
        Side(("rq==1.8.0", "redis==3.5.3", "click==7.1.2"), "violated"),
        Side(("rq==1.8.1", "redis==3.5.3", "click==7.1.2"), "held"),
    ),
    stage,
)
