"""What became of the jobs of a library's own workers, from rows written by hand."""

from __future__ import annotations

from jobquake.backends.adapter import Claims
from jobquake.harness.record.facts import Facts
from jobquake.harness.record.fates import Fate, fates
from jobquake.harness.record.history import History
from jobquake.harness.record.recoveries import recoveries
from jobquake.harness.record.story import tell
from jobquake.protocol.events import Answer, Event, Phase, Row
from jobquake.reports.space_time import diagram
from support.rows_by_hand import HOOKED, PLAN, accepted, exited, row, run_by


def fates_of(rows: list[Row], where: dict[int, str] | None = None) -> list[tuple[str, str]]:
    facts = Facts(PLAN, Claims(), History([HOOKED, *rows]))
    return [(fate.outcome, fate.detail) for fate in fates(facts, where or {}) if 0 in fate.jobs]


def test_who_dies_with_a_job_that_it_runs_or_has_received_is_recovered_from() -> None:
    for taken in (Event.STARTED, Event.RECEIVED):
        rows = [*accepted(), row(1.0, taken), exited(2.0), *run_by(3602.0, 1)]
        assert fates_of(rows) == [("recovered", "after 3600.00 s")]


def test_what_passed_on_the_wire_counts_if_the_broker_handed_it_out() -> None:
    for handed_out, waits in ((1.0, {0: 3.0}), (0.0, {})):
        passed = row(1.0, Event.PASSED, value=handed_out)
        rows = [*accepted(), passed, exited(2.0), *run_by(5.0, 1)]
        assert recoveries(History(rows), frozenset()) == waits


def test_a_killed_process_s_job_is_recovered_though_it_is_handed_out_before_its_next_start() -> (
    None
):
    struck = row(1.5, Event.FAULT_STRUCK, 1, fault=1, phase=Phase.LEASED)
    rows = [row(1.0, Event.STARTED, 1), struck, row(1.6, Event.PROCESS_DIED, 1)]
    rows += [row(2.0, Event.PASSED, 1, 1, value=1.0), row(2.1, Event.RECEIVED, 1, 1)]
    rows += run_by(2.5, 1, 1)
    assert recoveries(History(rows), frozenset({1})) == {1: 1.0}


def test_what_was_over_before_its_worker_ended_is_not_recovered() -> None:
    rows = [*accepted(), *run_by(1.0, 0), exited(2.0), *run_by(3.0, 1)]
    assert recoveries(History(rows), frozenset()) == {}
    assert fates_of(rows) == [("run again", "effects were not counted")]


def test_what_is_stuck_tells_who_holds_it() -> None:
    held = [*accepted(), row(9.0, Event.DEADLINE, -1), row(9.0, Event.HELD, node=-1, value=1.0)]
    where = {0: "the hash unacked, since 3.1 s; visibility_timeout=3600"}
    assert fates_of(held, where) == [("stuck", "the hash unacked")]
    received = [*held, row(1.0, Event.RECEIVED)]
    assert fates_of(received, where) == [("stuck", "the hash unacked, prefetched")]
    due = [*received, row(1.1, Event.STARTED), row(9.0, Event.DUE, node=-1, value=60.0)]
    due.sort(key=lambda row: row.t)
    assert fates_of(due, where) == [
        ("stuck", "the hash unacked; given back by itself within 60.00 s")
    ]


def test_what_a_fresh_worker_does_at_the_end_is_recoverable() -> None:
    rows = [*accepted(), row(9.0, Event.DEADLINE, -1), row(9.0, Event.POKED, -1, -1)]
    rows += [*run_by(10.0, 3), row(11.0, Event.HELD, node=-1)]
    told = [("recoverable", "the queue celery held it until a fresh worker was started")]
    assert fates_of(rows, {0: "the queue celery"}) == told


def test_what_was_done_before_and_is_done_by_a_fresh_worker_too_is_run_again() -> None:
    poked = [row(9.0, Event.DEADLINE, -1), row(9.0, Event.POKED, -1, -1)]
    rows = [*accepted(), *run_by(2.0, 0), *poked, *run_by(10.0, 3), row(11.0, Event.HELD, node=-1)]
    assert fates_of(rows, {0: "the hash unacked"}) == [("run again", "effects were not counted")]


def test_what_is_lost_tells_who_had_it_last() -> None:
    rows = [*accepted(), row(1.0, Event.STARTED)]
    assert fates_of(rows) == [("lost", "nothing holds it; w1 had it last")]
    acked = row(1.1, Event.ACK_ANSWERED, answer=Answer.OK)
    detail = "nothing holds it; w1 had it last and had acknowledged it"
    assert fates_of([*rows, acked]) == [("lost", detail)]
    taken = [*accepted(), row(1.0, Event.PASSED, value=1.0), exited(1.2)]
    detail = "nothing holds it; w1 had taken it and not noted it"
    assert fates_of(taken) == [("lost", detail)]
    assert fates_of(accepted()) == [("lost", "nothing holds it; it was last in its queue")]


def test_jobs_of_the_same_fate_are_one_line() -> None:
    rows = [*accepted(0), *accepted(1)]
    facts = Facts(PLAN, Claims(), History([HOOKED, *rows]))
    assert fates(facts, {}) == (Fate("lost", "nothing holds it; it was last in its queue", (0, 1)),)


def test_what_a_library_gave_up_is_told_without_the_time_of_its_own() -> None:
    record = "the registry rq:failed:q: AbandonedJobError, at 2026-11-27 03:29:02.805768+00:00"
    dead = [*accepted(), row(9.0, Event.DEAD, node=-1)]
    assert fates_of(dead, {0: record}) == [
        ("dead-lettered", "the registry rq:failed:q: AbandonedJobError")
    ]
    returned = sorted([*dead, *run_by(1.0, 0)], key=lambda row: row.t)
    detail = "its function had returned; the registry rq:failed:q: AbandonedJobError"
    assert fates_of(returned, {0: record}) == [("dead-lettered", detail)]


def test_what_only_a_living_worker_has_is_stuck_with_it() -> None:
    begun = [*accepted(), row(1.0, Event.STARTED, node=1), row(9.0, Event.DEADLINE, -1)]
    begun = [*begun, row(9.0, Event.HELD, node=1, value=1.0)]
    assert fates_of(begun) == [("stuck", "w2, which still runs it")]
    both = [*begun, row(9.0, Event.HELD, node=0, value=1.0), row(9.0, Event.HELD, node=-1)]
    assert fates_of(both, {0: "the hash unacked"}) == [
        ("stuck", "the hash unacked, and w1 and w2, which still run it")
    ]
    waits = [*begun[:-1], row(9.0, Event.HELD, node=1)]
    assert fates_of(waits) == [("stuck", "w2, which has not begun it")]


def test_the_story_and_its_picture_end_in_the_worker_that_still_runs_it() -> None:
    rows = [*accepted(), row(1.0, Event.STARTED, node=1), row(9.0, Event.DEADLINE, -1)]
    facts = Facts(PLAN, Claims(), History([HOOKED, *rows, row(9.0, Event.HELD, node=1, value=1.0)]))
    assert tell(facts, 0)[-1] == "at the end w2 still ran it"
    drawn = diagram(facts, [0])
    (end,) = (mark for mark in drawn.marks if mark.kind == "end")
    assert (drawn.lanes[end.lane], end.label) == ("w2", "still running")
