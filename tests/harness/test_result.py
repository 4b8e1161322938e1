"""The verdict of a run: what binds always, what proves nothing, what the headline is about."""

from __future__ import annotations

from dataclasses import replace as with_fields
from random import Random

import pytest
from jobquake.backends.adapter import Queue as QueueHere
from jobquake.backends.built_in.reference import BACKEND as REFERENCE
from jobquake.backends.claims import Claims
from jobquake.backends.reference.adapter import ReferenceAdapter
from jobquake.backends.reference.core import CORRECT
from jobquake.backends.reference.twins.no_lease import TWIN as NO_LEASE
from jobquake.harness.faults.kill_at import KillAt
from jobquake.harness.faults.net_timeout import NetTimeout
from jobquake.harness.plan.plan import Plan, PlannedJob, Pool, Queue
from jobquake.harness.result import Result
from jobquake.harness.run import run
from jobquake.protocol.clock import Clock
from jobquake.protocol.commands import Ack, Command, Refused, Reply
from msgspec.structs import replace

CALM = Plan(
    scenario="verdict",
    variant="default",
    seed=1,
    queues=(Queue("q"),),
    pools=(Pool("p", ("q",), 2),),
    jobs=tuple(PlannedJob(0.1 * n, 0, 0.1) for n in range(4)),
    faults=(),
    guarantees=("no_lost_work", "no_duplicated_effects"),
)


def simulated(plan: Plan, adapter: ReferenceAdapter = REFERENCE) -> Result:
    return run(plan, adapter, "sim").result


def test_a_plan_without_guarantees_proves_nothing() -> None:
    for guarantees in ((), ("faults_hit",)):
        result = simulated(replace(CALM, guarantees=guarantees))
        assert result.verdict == "inconclusive"
        assert result.sentence == "the plan asks for no guarantee"


def test_what_binds_always_is_judged_though_no_plan_asks_for_it() -> None:
    plan = replace(CALM, guarantees=(), faults=(KillAt(0, "mid_job"),))
    result = simulated(plan, NO_LEASE)
    assert result.verdict == "violated"
    assert {check.name for check in result.checks if check.verdict == "violated"} == {
        "no_lost_work"
    }


def test_the_headline_is_about_the_gravest_guarantee_and_not_the_first_in_the_plan() -> None:
    both = ("no_starvation", "no_lost_work")
    plan = replace(
        CALM, queues=(Queue("q", bound_s=0.001),), pools=(Pool("p", ("q",), 1),),
        faults=(KillAt(0, "mid_job"),), guarantees=both,
    )  # fmt: skip
    result = simulated(plan, NO_LEASE)
    assert {check.name for check in result.checks if check.verdict == "violated"} == {*both}
    assert result.sentence.startswith("job 0 was accepted")


def test_a_run_in_which_most_of_the_work_never_happened_is_not_held() -> None:
    dark = replace(CALM, faults=(NetTimeout(0.05, 60.0),), deadline_s=59.0)
    result = simulated(replace(dark, guarantees=("no_phantoms",)))
    assert result.verdict == "inconclusive"
    assert result.sentence.startswith("most of the work never happened: of 4 jobs")
    assert result.outcomes["never submitted"] + result.outcomes["unknown"] == 3


def test_refused_absorbed_and_never_submitted_jobs_stand_in_the_outcomes() -> None:
    jobs = (
        *(PlannedJob(0.0, 0, 0.5) for _ in range(6)),
        PlannedJob(3.0, 1, 0.1),
        PlannedJob(4.0, 1, 0.1, same_work_as=6),
        PlannedJob(900.0, 1, 0.1),
    )
    plan = replace(
        CALM, jobs=jobs, queues=(Queue("q", max_waiting=1), Queue("r")),
        pools=(Pool("p", ("q", "r"), 1),), producers=1, deadline_s=30.0,
    )  # fmt: skip
    outcomes = simulated(plan).outcomes
    assert outcomes["refused"] > 0
    assert outcomes["absorbed"] == 1
    assert outcomes["never submitted"] == 1
    assert sum(outcomes.values()) == len(jobs)


@pytest.mark.parametrize(
    ("claims", "note"),
    [
        (Claims(delivery="at-most-once"), "at-least-once delivery is not claimed"),
        (Claims(fencing=False), ""),
    ],
)
def test_a_claim_that_is_missing_is_named(claims: Claims, note: str) -> None:
    modest = with_fields(REFERENCE, claims=claims)
    checks = {check.name: check for check in simulated(CALM, modest).checks}
    assert checks["no_lost_work"].verdict == ("not judged" if note else "held")
    assert not note or checks["no_lost_work"].note == note


def test_a_queue_that_claims_no_durability_is_excused_for_what_its_crash_met_only() -> None:
    plan = replace(CALM, faults=(KillAt(0, "mid_job"),))
    lossy = with_fields(NO_LEASE, claims=Claims(durable=False))
    assert simulated(plan, lossy).verdict == "violated", "no server crashed"
    assert CORRECT is REFERENCE.decisions


def test_an_ack_that_meets_an_error_of_the_queue_is_not_told_as_a_lost_lease() -> None:
    class Full:
        """The correct queue, which runs out of memory at each ack of job 0."""

        def __init__(self, whole: QueueHere) -> None:
            self._whole, self.next_change_at, self.crash = whole, whole.next_change_at, whole.crash

        def call(self, command: Command) -> Reply:
            if isinstance(command, Ack) and command.job_id == "job-0":
                return Refused("OOM command not allowed")
            return self._whole.call(command)

    class Cramped(ReferenceAdapter):
        def local(self, clock: Clock, rng: Random) -> QueueHere:
            return Full(super().local(clock, rng))

    cramped = Cramped("cramped", "a queue whose memory is full")
    result = simulated(replace(CALM, sink="blind"), cramped)
    assert result.verdict == "violated"
    assert "holder_obeyed" not in {c.name for c in result.checks if c.verdict == "violated"}
    assert any("answered with an error of the queue" in line for line in result.story)
    assert not any("its lease was lost" in line for line in result.story)
