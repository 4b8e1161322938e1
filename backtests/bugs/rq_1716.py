"""With two queues a job is gone when its worker dies right after it has taken it.

A worker of one queue moves a job from the queue to an intermediate one in a single step. A
worker of several queues pops it with BLPOP, and only then writes down that it has it: if it dies
in between, the job's hash says that it is queued, and no queue and no registry holds it. No
version mends this yet, so a worker of one queue is the other side: there, maintenance finds the job
in the intermediate queue and moves it to the FailedJobRegistry after a minute.

The strike: the answer that hands over the job is held on the wire, and the worker is killed.
"""

from __future__ import annotations

from ..backtest import Backtest, Side, Told
from ..stage import Stage

ORDER, POKE = "order-1", "order-2"
LONGEST_S = 1800.0  # maintenance comes every 10 min, when a worker has waited for 405 s
ONE = "one queue"


def stage(s: Stage, variant: str) -> Told:
    queues = ("low",) if variant == ONE else ("high", "low")
    command, url = ("BLMOVE" if variant == ONE else "BLPOP"), f"redis://{s.wire}/0"
    taken = s.hold_reply(command, ORDER)
    first = s.worker("rq", "worker", *queues, "-u", url)
    if not s.until(lambda: s.ask("rq_shop:blocked")):
        return Told("inconclusive", "the worker never waited for a job", tuple(first.log[-3:]))
    s.ask("rq_shop:submit", "low", ORDER)
    if not s.until(lambda: taken.struck):
        return Told("inconclusive", f"the worker never took the job with {command}")
    first.kill()
    taken.release()
    second = s.worker("rq", "worker", *queues, "-u", url)
    found = s.until(lambda: f"charged {ORDER}" in s.ledger or _failed(s), LONGEST_S)
    s.ask("rq_shop:submit", "low", POKE)  # it may be that only a new job makes a worker look
    if not s.until(lambda: f"charged {POKE}" in s.ledger):
        return Told("inconclusive", "the second worker ran nothing", tuple(second.log[-3:]))
    found = found or s.until(lambda: f"charged {ORDER}" in s.ledger or _failed(s))
    seen = s.ask("rq_shop:look", "low", ORDER)
    told = f"the worker was killed after {command} had answered with {ORDER}"
    if found:
        return Told("held", f"{told}; RQ found it again: it is {seen['status']}")
    if seen["held"]:
        return Told("inconclusive", f"{told}; {seen['held'][0]} still holds it")
    lost = f"{told}; {s.elapsed_s / 60:.0f} minutes later no queue and no registry of RQ holds it"
    return Told("violated", f"{lost}, and its status is {seen['status']}")


def _failed(s: Stage) -> bool:
    return "failed" in s.ask("rq_shop:look", "low", ORDER)["held"]


BACKTEST = Backtest(
    "rq-1716",
    "https://github.com/rq/rq/issues/1716",
    "with two queues a job is gone when its worker dies",
    "rq_shop",
    (
        Side(("rq==2.12.0", "redis==6.4.0"), "violated"),
        Side(("rq==3.0.0", "redis==6.4.0"), "violated"),
        Side(("rq==3.0.0", "redis==6.4.0"), "held", ONE),
    ),
    stage,
)
