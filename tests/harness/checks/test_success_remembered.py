"""What is done and told as failed; from rows by hand: only a library's own workers show it."""

from __future__ import annotations

from jobquake.backends.adapter import Claims
from jobquake.harness.checks import CHECKS
from jobquake.harness.faults.partition import Partition
from jobquake.harness.finding import Judged
from jobquake.harness.record.facts import Facts
from jobquake.harness.record.history import History
from jobquake.protocol.events import Answer, Event, Row
from msgspec.structs import replace
from support.rows_by_hand import HOOKED, PLAN, accepted, row, run_by

ACKED = row(1.1, Event.ACK_ANSWERED, answer=Answer.OK)
DEAD = row(9.0, Event.DEAD, node=-1)
DONE = [*accepted(), *run_by(1.0, 0), ACKED]


def judge(*rows: Row, cut: bool = False) -> Judged:
    faults = (Partition((0,), 0.5, 1.0),) if cut else PLAN.faults
    plan = replace(PLAN, jobs=PLAN.jobs[:1], faults=faults)
    return CHECKS["success_remembered"].answer(Facts(plan, Claims(), History([HOOKED, *rows])))


def test_success_remembered_rejects_what_was_done_and_acknowledged_and_is_told_as_failed() -> None:
    judged = judge(*DONE, DEAD)
    assert judged.verdict == "violated"
    assert judged.findings[0].sentence == (
        "job 0 was done by w1 at 1.00 s, its ack was accepted at 1.10 s, and in the end the queue "
        "tells it as failed"
    )
    assert judge(*DONE).verdict == "held"


def test_success_remembered_accuses_nobody_of_what_it_cannot_know() -> None:
    struck = row(1.05, Event.FAULT_STRUCK, 0, 0, fault=0)
    for rows in (
        [*accepted(), *run_by(1.0, 0), DEAD],
        [*accepted(), row(0.9, Event.ACK_ANSWERED, answer=Answer.OK), *run_by(1.0, 0), DEAD],
        [*DONE, row(2.0, Event.STARTED), row(2.0, Event.RAISED), DEAD],
        [*DONE, row(2.0, Event.STARTED), DEAD],
        [*accepted(), *run_by(1.0, 0), struck, ACKED, DEAD],
    ):
        assert judge(*rows).verdict == "inconclusive", rows
    elsewhere = row(0.5, Event.FAULT_STRUCK, -1, 1, fault=0)
    assert judge(*accepted(), elsewhere, *DONE[2:], DEAD, cut=True).verdict == "inconclusive"
