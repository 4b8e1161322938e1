"""Whom the lack of a claim excuses: jobs that a crash of the server met, and no others."""

from __future__ import annotations

from jobquake.backends.adapter import Claims
from jobquake.harness.checks import CHECKS
from jobquake.harness.faults.broker_crash import BrokerCrash
from jobquake.harness.finding import Judged
from jobquake.harness.record.facts import Facts
from jobquake.harness.record.history import History
from jobquake.protocol.events import Event, Row
from msgspec.structs import replace
from support.rows_by_hand import HOOKED, PLAN, accepted, row, run_by

CRASH = BrokerCrash(at_s=1.0, for_s=0.4)
STRUCK = row(1.0, Event.FAULT_STRUCK, -1, -1, fault=0)
DEADLINE, POKED = row(900.0, Event.DEADLINE, -1), row(900.0, Event.POKED, -1, -1)
STILL_HELD = row(900.0, Event.HELD, node=-1)


def progress(rows: list[Row]) -> Judged:
    """Whether all work ended, of a queue that does not claim to outlive a crash."""
    plan = replace(PLAN, jobs=PLAN.jobs[:1], faults=(CRASH,))
    facts = Facts(plan, Claims(durable=False), History([HOOKED, *rows]))
    return CHECKS["progress_after_heal"].answer(facts)


def test_what_a_crash_may_have_made_it_forget_is_excused() -> None:
    assert progress([*accepted(), STRUCK, DEADLINE, STILL_HELD]).verdict == "not judged"
    started = row(0.5, Event.STARTED)
    rows = [*accepted(), started, STRUCK, DEADLINE, STILL_HELD, POKED, *run_by(901.0, 3)]
    assert progress(rows).verdict == "not judged", "that it was handed out may be forgotten"


def test_what_lay_in_the_queue_all_the_while_and_no_living_worker_took_is_not_excused() -> None:
    rows = [*accepted(), STRUCK, DEADLINE, STILL_HELD, POKED, *run_by(901.0, 3)]
    judged = progress(rows)
    assert judged.verdict == "violated"
    assert "it was done once a fresh worker was started" in judged.findings[0].sentence
