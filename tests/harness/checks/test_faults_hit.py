"""A fault that met no job that ran: what the task had to do with it is said."""

from __future__ import annotations

from jobquake.backends.adapter import Claims
from jobquake.harness.checks import CHECKS
from jobquake.harness.faults.broker_crash import BrokerCrash
from jobquake.harness.record.facts import Facts
from jobquake.harness.record.history import History
from jobquake.protocol.events import Event
from msgspec.structs import replace
from support.rows_by_hand import HOOKED, PLAN, accepted, row


def missed(took_s: float) -> str:
    plan = replace(
        PLAN, jobs=PLAN.jobs[:1], faults=(BrokerCrash(1.0, 0.4),),
        must_hit=(("broker crash", "running"),),
    )  # fmt: skip
    ran = [row(0.5, Event.STARTED), row(0.5 + took_s, Event.RETURNED)]
    facts = Facts(plan, Claims(), History([HOOKED, *accepted(), *ran]))
    return CHECKS["faults_hit"].answer(facts).findings[0].sentence


def test_faults_hit_says_that_a_task_was_over_too_soon_to_be_struck() -> None:
    told = "no broker crash struck a job in phase 'running'"
    assert missed(0.0015) == (
        f"{told}; half of the jobs took less than 1.5 ms: name a task that takes longer"
    )
    assert missed(0.3) == told
