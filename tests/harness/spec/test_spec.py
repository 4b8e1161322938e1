"""What the specification holds for certain is so: of what the reference queue draws, of every legal
run, and of what is counted by hand.
"""

from __future__ import annotations

from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jobquake.backends.adapter import Claims
from jobquake.backends.built_in.reference import BACKEND as REFERENCE
from jobquake.backends.reference.backoff import delay_s
from jobquake.harness.drivers.sim import simulate
from jobquake.harness.faults.kill_at import KillAt
from jobquake.harness.faults.terminate import Terminate
from jobquake.harness.plan.plan import Plan, PlannedJob, Pool, Queue, ReplayDead
from jobquake.harness.record.facts import Facts
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
