"""What living workers still have at the end of a run, from rows written by hand."""

from __future__ import annotations

from jobquake.harness.drivers.in_hand import in_hand
from jobquake.harness.drivers.observe import Observation
from jobquake.protocol.events import Answer, Event, Row

LIVING = {(0, 1), (1, 2)}


def row(event: Event, job: int = 0, node: int = 0, incarnation: int = 1, **more: int) -> Row:
    return Row(0.0, -1.0, event, job=job, node=node, incarnation=incarnation)._replace(**more)


def had(*rows: Row, seen: tuple[Observation, ...] = ()) -> list[tuple[int, int, float]]:
    found = list(in_hand(rows, LIVING, seen))
    assert {one.event for one in found} <= {Event.HELD}
    return [(one.job, one.node, one.value) for one in found]


def test_who_runs_a_job_and_lives_has_it() -> None:
    assert had(row(Event.RECEIVED), row(Event.STARTED)) == [(0, 0, 1.0)]
    both = had(row(Event.STARTED), row(Event.STARTED, node=1, incarnation=2))
    assert both == [(0, 0, 1.0), (0, 1, 1.0)]


def test_who_is_dead_or_done_with_it_has_it_no_more() -> None:
    assert had(row(Event.STARTED, node=1, incarnation=1)) == []
    for over in (Event.FINISHED, Event.PROCESS_DIED):
        assert had(row(Event.STARTED), row(over)) == []
        assert had(row(Event.STARTED), row(over), row(Event.STARTED)) == [(0, 0, 1.0)]


def test_what_is_received_counts_where_nothing_else_tells_of_it() -> None:
    received = row(Event.RECEIVED)
    assert had(received) == [(0, 0, 0.0)]
    assert had(received, seen=(Observation(Event.HELD, 0, 1.0),)) == []
    discarded = row(Event.ACK_ANSWERED, answer=Answer.OK)
    assert had(received, discarded) == []
