"""The Hypothesis strategies as their users meet them: what they draw is valid and fair, what
they find is small, and what it says can be pasted.
"""

from __future__ import annotations

import subprocess
import sys
from typing import get_args

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st
from jobquake import assert_holds, strategies
from jobquake.backends import registry as backends
from jobquake.harness.checks import GUARANTEES
from jobquake.harness.faults import FAULTS
from jobquake.harness.faults.broker_crash import BrokerCrash
from jobquake.harness.faults.fault import Fault
from jobquake.harness.faults.fields import SERVER
from jobquake.harness.faults.kill_at import KillAt
from jobquake.harness.faults.net_fault import NetFault
from jobquake.harness.faults.partition import Partition
from jobquake.harness.faults.skew_clock import SkewClock
from jobquake.harness.plan.guarantees import ALWAYS, fair
from jobquake.harness.plan.plan import Behaviour, Plan, PlannedJob, Pool, Queue
from jobquake.harness.plan.replay import decode, encode
from jobquake.harness.plan.validate import validate
from msgspec.structs import replace

pytest_plugins = ["pytester"]

REFERENCE = backends.find("reference")
MANY = settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])
SOME = settings(MANY, max_examples=20)
LONG = settings(MANY, max_examples=2000)
DRAWN = settings(LONG, phases=[Phase.generate], database=None, derandomize=True)
KILLED = KillAt(0, "mid_job")
SMALL = Plan(
    scenario="small",
    variant="default",
    seed=0,
    queues=(Queue("orders"),),
    pools=(Pool("orders", ("orders",), 1),),
    jobs=(PlannedJob(0.0, 0, 0.1),),
    faults=(KILLED,),
    guarantees=ALWAYS,
)


# -- what is drawn ------------------------------------------------------------------------


@given(strategies.plans())
@MANY
def test_a_plan_makes_sense_fits_into_a_replay_string_and_the_reference_holds(plan: Plan) -> None:
    validate(plan)
    assert decode(encode(plan, "reference", "sim")).plan == plan
    assert set(plan.guarantees) <= set(GUARANTEES)
    assert set(ALWAYS) <= set(plan.guarantees)
    workers = len(plan.workers)
    for fault in plan.faults:
        assert getattr(fault, "job", 0) < len(plan.jobs)
        assert getattr(fault, "worker", 0) < workers
        assert all(worker < workers for worker in getattr(fault, "workers", ()))
        assert getattr(fault, "node", 0) < workers
    assert_holds(plan, REFERENCE)


SKEWS_AND_CRASHES = strategies.skewed_clocks() | strategies.broker_crashes()


@given(strategies.plans(faults=SKEWS_AND_CRASHES))
@SOME
def test_no_server_is_asked_the_time_by_a_crash_when_its_clock_was_wrong(plan: Plan) -> None:
    crashes = any(isinstance(fault, BrokerCrash) for fault in plan.faults)
    skewed = any(isinstance(f, SkewClock) and f.node == SERVER for f in plan.faults)
    assert not (crashes and skewed)
    assert_holds(plan, REFERENCE)


@pytest.mark.parametrize("kind", FAULTS.values(), ids=FAULTS)
def test_every_kind_of_fault_is_drawn(kind: type[Fault]) -> None:
    find(strategies.faults(), lambda fault: isinstance(fault, kind), settings=DRAWN)


@pytest.mark.parametrize("behaviour", get_args(Behaviour))
def test_every_behaviour_is_drawn(behaviour: str) -> None:
    find(strategies.jobs(), lambda job: job.behaviour == behaviour, settings=DRAWN)


@given(
    strategies.plans(
        jobs=strategies.jobs(behaviour=strategies.behaviours("ok"), delay_s=st.just(0.0)),
        workers=st.just(2),
        faults=strategies.kills(points=("mid_job",)) | strategies.lost_replies(calls=("ack",)),
        most_jobs=3,
        duplicates=False,
    )
)
@MANY
def test_the_parts_compose_and_are_kept_to(plan: Plan) -> None:
    assert all((job.behaviour, job.delay_s) == ("ok", 0.0) for job in plan.jobs)
    assert all(job.same_work_as < 0 for job in plan.jobs)
    assert len(plan.jobs) <= 3 and all(pool.workers == 2 for pool in plan.pools)
    for fault in plan.faults:
        assert isinstance(fault, KillAt | NetFault)
        assert getattr(fault, "point", "mid_job") == "mid_job"
        assert getattr(fault, "how", "lose_reply") == "lose_reply"


def test_a_flood_alone_promises_the_others_a_bounded_wait_and_the_queue_keeps_it() -> None:
    plain = strategies.jobs(strategies.behaviours("ok"))

    @given(strategies.plans(plain, faults=strategies.floods(), duplicates=False))
    @MANY
    def holds(plan: Plan) -> None:
        assert ("no_starvation" in plan.guarantees) == bool(plan.faults)
        assert_holds(plan, REFERENCE)

    holds()


def test_a_guarantee_is_asked_for_only_where_it_is_fair() -> None:
    def asked(behaviour: Behaviour, *faults: Fault) -> set[str]:
        jobs = (replace(SMALL.jobs[0], behaviour=behaviour),)
        return set(fair(replace(SMALL, jobs=jobs, faults=faults))) - set(ALWAYS)

    assert asked("ok") == set()
    assert asked("hang") == {"timeouts_enforced"}
    assert asked("permanent") == {"permanent_failures", "dead_letters_explained"}
    assert asked("permanent", KILLED) == {"permanent_failures"}, "it may die of a crash as well"


# -- what is found ------------------------------------------------------------------------


@pytest.mark.slow
def test_a_broken_queue_is_found_out_by_a_plan_of_one_job_and_one_kill() -> None:
    twin = backends.find("twin-no-lease")

    def broken(plan: Plan) -> bool:
        try:
            assert_holds(plan, twin)
        except AssertionError:
            return True
        return False

    enough = settings(MANY, max_examples=100)
    plan = find(strategies.plans(faults=strategies.kills()), broken, settings=enough)
    assert plan.jobs == (PlannedJob(0.0, 0, 0.001),)
    assert plan.faults == (KillAt(0, "after_lease"),)
    assert plan.pools == (Pool("all", ("orders",), 1),)


# For each check the strategies that stage what it judges, and a queue that it must find out.
STAGED = {
    "twin-ack-before-run": strategies.plans(faults=strategies.kills(("mid_job",))),
    "twin-ack-without-token": strategies.plans(faults=strategies.pauses(("after_effect",))),
    "twin-crashes-not-counted": strategies.plans(faults=strategies.kills(most_times=9)),
    "twin-key-per-delivery": strategies.plans(faults=strategies.kills(("after_effect",))),
    "twin-permanent-retried": strategies.plans(
        strategies.jobs(strategies.behaviours("permanent")), most_faults=0
    ),
    "twin-reason-forgotten": strategies.plans(
        strategies.jobs(strategies.behaviours("permanent")), faults=strategies.outages()
    ),
    "twin-retry-at-once": strategies.plans(strategies.jobs(strategies.behaviours("fail"))),
    "twin-no-timeout": strategies.plans(strategies.jobs(strategies.behaviours("hang"))),
    "twin-not-durable": strategies.plans(faults=strategies.broker_crashes()),
    "twin-wall-clock": strategies.plans(faults=strategies.skewed_clocks()),
    "twin-lease-by-worker-clock": strategies.plans(faults=strategies.skewed_clocks()),
}


@pytest.mark.parametrize("name", STAGED)
def test_what_a_check_is_there_to_find_is_found_among_drawn_plans(name: str) -> None:
    twin = backends.find(name)

    def caught(plan: Plan) -> bool:
        try:
            assert_holds(plan, twin)
        except AssertionError as error:
            return f"{twin.violates} violated" in str(error)
        return False

    find(STAGED[name], caught, settings=DRAWN)


def test_a_failure_tells_the_sentence_the_story_and_a_string_that_replays_it() -> None:
    twin = backends.find("twin-no-lease")
    with pytest.raises(AssertionError) as caught:
        assert_holds(SMALL, twin)
    first, *story, last = str(caught.value).splitlines()
    assert first.startswith("expected every guarantee to hold on twin-no-lease, found no_lost_work")
    assert "job 0 was accepted" in first
    assert any("w1 was killed" in line for line in story)
    replay = last.split("'")[1]
    assert decode(replay).plan == SMALL
    with pytest.raises(AssertionError, match="no_lost_work"):
        assert_holds(replay, twin)


PROVES_NOTHING = replace(
    SMALL,
    faults=(),
    guarantees=("faults_hit", "no_lost_work"),
    must_hit=(("partition", "running"),),
)


def test_a_run_that_proved_nothing_is_no_pass() -> None:
    with pytest.raises(AssertionError, match="found nothing proved: no partition struck"):
        assert_holds(PROVES_NOTHING, REFERENCE)


def test_in_a_property_test_an_example_that_proves_nothing_is_discarded() -> None:
    passed = []

    @given(st.booleans())
    @settings(database=None)
    def holds(cut: bool) -> None:
        faults = (Partition((0,), 0.02, 0.1),) if cut else ()
        assert_holds(replace(PROVES_NOTHING, faults=faults), REFERENCE)
        passed.append(cut)

    holds()
    assert set(passed) == {True}


# -- profiles -----------------------------------------------------------------------------


def test_profiles_are_registered_by_a_call_and_by_no_import() -> None:
    script = (
        "import jobquake.pytest_plugin, jobquake.strategies as strategies, hypothesis\n"
        "try: hypothesis.settings.get_profile('jobquake-ci')\n"
        "except hypothesis.errors.InvalidArgument: pass\n"
        "else: raise SystemExit('registered already')\n"
        "strategies.register_profiles()\n"
        "for name in strategies.PROFILES:\n"
        "    profile = hypothesis.settings.get_profile(name)\n"
        "    assert profile.deadline is None and profile.print_blob\n"
        "    assert profile.derandomize == (name == 'jobquake-ci')\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_the_plugin_offers_the_profiles_to_the_command_line(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        "from hypothesis import settings\n"
        "def test_profile():\n"
        "    assert settings.get_current_profile_name() == 'jobquake-nightly'\n"
        "    assert settings().max_examples == 5000\n"
    )
    done = pytester.runpytest_subprocess("--hypothesis-profile", "jobquake-nightly")
    done.assert_outcomes(passed=1)
