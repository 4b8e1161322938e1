"""Order kept: who was ready first goes first, where that is certain."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jobquake.backends.adapter import Claims
from jobquake.harness.checks import CHECKS
from jobquake.harness.plan.plan import Plan, PlannedJob, Pool, Queue
from jobquake.harness.record.facts import Facts
from jobquake.harness.record.history import History, Row, row
from jobquake.protocol.events import Answer, Event

CAME_S = 0.1  # between two jobs


def plan(*priorities: int) -> Plan:
    return Plan(
        scenario="order",
        variant="default",
        seed=1,
        queues=(Queue("q"),),
        pools=(Pool("p", ("q",), 1),),
        jobs=tuple(PlannedJob(n * CAME_S, 0, 0.1, priority=p) for n, p in enumerate(priorities)),
        faults=(),
        guarantees=("order_kept",),
    )


def came(jobs: int) -> list[Row]:
    rows = []
    for job in range(jobs):
        at_s = job * CAME_S
        rows += [
            row(at_s, Event.ENQUEUE_SENT, job=job),
            row(at_s + 0.01, Event.ENQUEUE_ANSWERED, since=at_s, answer=Answer.OK, job=job),
        ]
    return rows


def handed_out(order: list[int]) -> list[Row]:
    """One after the other, when all of them have come."""
    rows = []
    for turn, job in enumerate(order):
        at_s = 5.0 + turn
        rows += [
            row(at_s, Event.LEASED, since=at_s - 0.01, node=0, job=job, token=1, key=1, value=9.0),
            row(at_s + 0.1, Event.ACK_SENT, node=0, job=job, token=1),
            row(at_s + 0.2, Event.ACK_ANSWERED, since=at_s + 0.1, answer=Answer.OK, node=0,
                job=job, token=1),
        ]  # fmt: skip
    return rows


def blamed(order: list[int], priorities: list[int], claims: Claims = Claims()) -> set[int]:  # noqa: B008
    history = History([*came(len(order)), *handed_out(order)])
    judged = CHECKS["order_kept"].answer(Facts(plan(*priorities), claims, history))
    return {finding.job for finding in judged.findings}


@given(st.permutations(range(5)), st.data())
def test_order_kept_rejects_whoever_overtakes_an_older_job_that_is_as_urgent(
    order: list[int], data: st.DataObject
) -> None:
    priorities = data.draw(st.lists(st.sampled_from((0, 3)), min_size=5, max_size=5))
    overtaken = set()
    for place, later in enumerate(order):
        older = [first for first in order[place + 1 :] if first < later]
        alike = [first for first in older if priorities[first] == priorities[later]]
        overtaken |= set(alike[-1:])  # of all whom it overtook the one that waited the longest
    assert blamed(order, priorities) == overtaken


@pytest.mark.parametrize(
    "claims", [Claims(ordered=False), Claims(prompt=False), Claims(timer_s=1.0)]
)
def test_no_order_is_asked_of_a_queue_that_does_not_claim_it(claims: Claims) -> None:
    assert blamed([1, 0], [0, 0]) == {0}
    assert blamed([1, 0], [0, 0], claims) == set()
