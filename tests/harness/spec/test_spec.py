"""What the specification holds for certain is so: of what the reference queue draws, of every legal
run, and of what is counted by hand.
"""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jobquake.backends.adapter import Claims
from jobquake.backends.built_in.reference import BACKEND as REFERENCE
from jobquake.backends.reference.backoff import delay_s
from jobquake.harness.drivers.sim import simulate
from jobquake.harness.faults.kill_at import KillAt
from jobquake.harness.faults.net_fault import NetFault
from jobquake.harness.faults.terminate import Terminate
from jobquake.harness.plan.plan import Plan, PlannedJob, Pool, Queue, ReplayDead
from jobquake.harness.record.facts import Facts
from jobquake.harness.record.history import Answer, Event, History, Phase, row
from jobquake.harness.spec.asking import NEVER, Astray
from jobquake.harness.spec.backoff import backoff, between
from jobquake.harness.spec.lives import lives
from jobquake.harness.spec.waiting import waiting
from jobquake.protocol.commands import RetryPolicy
from support.legal import Legal, legal_runs

POLICIES = st.builds(
    RetryPolicy,
    st.floats(0.0, 10.0),
    st.floats(1.0, 40.0),
    st.floats(0.0, 100.0),
    st.sampled_from(("none", "full", "equal", "decorrelated")),
)
ROUNDING_S = 1e-9


@given(POLICIES, st.integers(1, 90), st.integers(0, 2**32))
def test_every_backoff_that_the_reference_queue_draws_is_within_the_bounds(
    policy: RetryPolicy, failures: int, seed: int
) -> None:
    rng, waited_s = Random(seed), 0.0
    for number in range(1, failures + 1):
        waited_s = delay_s(policy, number, waited_s, rng)
        least_s, most_s = backoff(policy, number)
        assert least_s - ROUNDING_S <= waited_s <= most_s + ROUNDING_S


@given(POLICIES, st.integers(1, 200), st.integers(0, 200))
def test_bounds_of_an_uncertain_count_hold_for_every_count_between(
    policy: RetryPolicy, fewest: int, more: int
) -> None:
    wide = between(policy, fewest, fewest + more)
    for number in (fewest, fewest + more // 2, fewest + more):
        narrow = backoff(policy, number)
        assert wide.least_s <= narrow.least_s <= narrow.most_s <= wide.most_s


TIMES = st.integers(0, 20).map(float)


@given(st.lists(st.tuples(TIMES, TIMES)), TIMES, TIMES)
def test_grants_that_went_astray_are_counted_as_by_hand(
    pairs: list[tuple[float, float]], since: float, until: float
) -> None:
    spans = [(min(pair), max(pair)) for pair in pairs]
    by_hand = sum(a <= until and b >= since for a, b in spans) if since <= until else 0
    assert Astray(spans).between(since, until) == by_hand
    sure = Astray(spans).sure_until(since, since)
    if any(a <= since <= b for a, b in spans):
        assert sure == -NEVER
    else:
        assert sure == min((a for a, _ in spans if a > since), default=NEVER)


def test_a_life_tells_how_each_delivery_ended() -> None:
    plan = Plan(
        scenario="lives",
        variant="default",
        seed=1,
        queues=(Queue("q"),),
        pools=(Pool("p", ("q",), 1),),
        jobs=(
            PlannedJob(0.0, 0, 0.1, "fail", 1),
            PlannedJob(0.0, 0, 0.1),
            PlannedJob(0.0, 0, 0.1, "permanent"),
            PlannedJob(6.0, 0, 3.0),
        ),
        faults=(KillAt(1, "mid_job"), Terminate((0,), 6.5, 2.0)),
        guarantees=(),
        grace_s=0.2,
        producers=1,
        actions=(ReplayDead(5.0),),
    )
    found = lives(Facts(plan, REFERENCE.claims, simulate(plan, REFERENCE)))
    endings = {job: [each.ending for each in life.deliveries] for job, life in found.items()}
    assert endings == {
        0: ["failed", "acked"],
        1: ["crashed", "acked"],
        2: ["permanent", "permanent"],
        3: ["released", "acked"],
    }
    assert [each.counts for each in found[3].deliveries] == [False, True]
    assert [len(life.replays) for _, life in sorted(found.items())] == [0, 0, 1, 0]
    numbers = [each.number for life in found.values() for each in life.deliveries]
    assert sorted(numbers) == [1, 1, 1, 1, 2, 2, 2, 2]


@settings(max_examples=100, suppress_health_check=list(HealthCheck))
@given(legal_runs(st.just(Claims())))
def test_no_job_surely_waits_while_a_worker_surely_holds_it(run: Legal) -> None:
    for waits in waiting(run.facts).waits.values():
        for wait in waits:
            for held in run.held:
                if held.job == wait.job and held.until > held.since:
                    assert held.until / 1000 <= wait.since or held.since / 1000 >= wait.until


@pytest.mark.parametrize("struck", [False, True])
def test_a_job_may_be_leased_unseen_by_a_call_that_was_struck_and_sent_again(struck: bool) -> None:
    """A client sends a lease again by itself: what the first one was given nobody has heard of."""
    jobs = (PlannedJob(0.0, 0, 0.1), PlannedJob(0.1, 0, 0.1))
    plan = Plan("again", "default", 1, (Queue("q"),), (Pool("p", ("q",), 1),), jobs,
                (NetFault("lease", 1, "lose_reply"),), (), producers=1)  # fmt: skip
    rows = [row(0.0, Event.WORKER_STARTED, node=0)]
    for job, at in enumerate((1.0, 1.1)):
        rows.append(row(at, Event.ENQUEUE_SENT, node=1, job=job))
        rows.append(
            row(at + 0.01, Event.ENQUEUE_ANSWERED, since=at, answer=Answer.OK, node=1, job=job)
        )
    if struck:
        rows.append(row(2.1, Event.FAULT_STRUCK, phase=Phase.LEASED, node=0, job=0, fault=0))
    rows.append(row(5.0, Event.LEASED, since=2.0, node=0, incarnation=1, job=1, token=1, value=9.0))
    rows.append(row(9.0, Event.LEASED, since=8.0, node=0, incarnation=1, job=0, token=1, value=9.0))
    (wait, *_) = waiting(Facts(plan, REFERENCE.claims, History(rows))).waits[0]
    assert wait.job == 0
    assert wait.until == (2.0 if struck else 8.0)
