"""Plans and replay strings: what is packed comes back, what is damaged or absurd is refused.

A refusal is one sentence: what was expected, what was found, what to do.
"""

from __future__ import annotations

import json
import math
import string
import subprocess
import sys
import tracemalloc
import zlib
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jobquake.backends import registry as backends
from jobquake.harness.checks import GUARANTEES
from jobquake.harness.faults.fields import Call, NetEffect
from jobquake.harness.faults.flood import Flood
from jobquake.harness.faults.kill_at import KillAt
from jobquake.harness.faults.kill_worker import KillWorker
from jobquake.harness.faults.net_fault import NetFault
from jobquake.harness.faults.net_timeout import NetTimeout
from jobquake.harness.faults.pause_at import PauseAt
from jobquake.harness.faults.skew_clock import SkewClock
from jobquake.harness.plan import plan as plans
from jobquake.harness.plan.armor import ReplayError, spell
from jobquake.harness.plan.plan import Plan, PlannedJob, Pool, Queue
from jobquake.harness.plan.plan_json import to_json
from jobquake.harness.plan.replay import MAX_PLAN, PREFIX, Packed, decode, encode
from jobquake.harness.plan.validate import PlanError, validate
from jobquake.harness.run import run
from jobquake.protocol.commands import RetryPolicy
from jobquake.protocol.worker import Point
from jobquake.scenarios import registry as scenarios
from msgspec.structs import replace

GOLDEN_PLAN = Plan(
    scenario="golden",
    variant="default",
    seed=7,
    queues=(Queue("mail", 1.5), Queue("bulk")),
    pools=(Pool("fast", ("mail",), 2), Pool("slow", ("mail", "bulk"), 1)),
    jobs=(PlannedJob(0.0, 0, 0.05), PlannedJob(0.25, 1, 2.0, "fail", 2, True, -3, 9.5)),
    faults=(
        KillAt(0, "mid_job", 2),
        PauseAt(1, "after_effect", 2.5),
        KillWorker(2, 0.75),
        NetFault("ack", 3, "delay", 0.2, 4),
        NetTimeout(1.0, 0.5),
        Flood(0.1),
    ),
    guarantees=("no_lost_work", "faults_hit"),
    must_hit=(("worker kill", "running"),),
    sink="upsert",
    lease_s=1.25,
    wait_s=0.4,
    grace_s=4.0,
    call_timeout_s=0.35,
    deadline_s=20.0,
    max_deliveries=6,
    retry=RetryPolicy(0.1, 3.0, 2.0, "equal"),
    latency_s=0.001,
    restart_s=0.06,
    producers=3,
)
# Printed by the first version. Strings like it are in people's bug reports: never change it.
GOLDEN = (
    "jq1:eNo9UO1uwyAMfJXJvz1ESNNqzxKhiDamy0qg40PV3n42mSakQOy78_lmyOQpU7wRIJRtB5zhnsJKkf9X8q6FCnjB"
    "eYbdbQFwUJNlzLWFB2BsIVgrTe9KFW4HWTSCKSG9_mt4UCwOnaCVRj5KTwiJlTR6FwrxPXKREVqZCQc0jGNxETBYcyN8"
    "H_GDPfSpjy2ExVWhw76ty1e6wjH76Vqh3hoQnK-UF_Keblwwxwad-0r5QVm0tbr0ciSGgLuxp1ESCO6H5ZXB0193qdtO"
    "qYmy7HCI-ZDSKri-HcS0hFRqlwfxzymW5XOr0G0fU9_EAXdzi3GLd2AmtGeh3KV5e61OeOozxgmNJHaWXAYc-dmDoe_m"
    "JG7u6UG-Zxyt_QVGlYkDLgiXZg"
)

T = TypeVar("T")

seconds = st.floats(0.0, 1e6)
lasting = st.floats(0.001, 1e6)
few = st.integers(0, 3)
some = st.integers(1, 2**31)
points = st.sampled_from(get_args(Point))


def several(one: st.SearchStrategy[T]) -> st.SearchStrategy[tuple[T, ...]]:
    return st.lists(one, max_size=4).map(tuple)


@st.composite
def valid_plans(draw: st.DrawFn) -> Plan:
    names = draw(st.lists(st.text(max_size=6), min_size=1, max_size=3, unique=True))
    queue_names = st.lists(st.sampled_from(names), max_size=3).map(tuple)
    number = st.integers(0, len(names) - 1)
    job = st.builds(
        PlannedJob, seconds, number, seconds, st.sampled_from(get_args(plans.Behaviour)), few,
        st.booleans(), st.integers(-(2**31), 2**31), lasting,
    )  # fmt: skip
    fault = st.one_of(
        st.builds(KillAt, few, points, some),
        st.builds(PauseAt, few, points, seconds),
        st.builds(KillWorker, few, seconds),
        st.builds(
            NetFault, st.sampled_from(get_args(Call)), some,
            st.sampled_from(get_args(NetEffect)), seconds, some,
        ),
        st.builds(NetTimeout, seconds, seconds),
        st.builds(Flood, seconds),
        st.builds(SkewClock, st.integers(-1, 3), seconds, st.floats(-1e6, 1e6), seconds),
    )  # fmt: skip
    return draw(
        st.builds(
            Plan,
            scenario=st.text(max_size=10),
            variant=st.text(max_size=10),
            seed=st.integers(-(2**63), 2**64 - 1),
            queues=st.just(tuple(Queue(name, draw(st.none() | seconds)) for name in names)),
            pools=several(st.builds(Pool, st.text(), queue_names, few)),
            jobs=several(job),
            faults=several(fault),
            guarantees=several(st.sampled_from(GUARANTEES)),
            must_hit=several(st.tuples(st.text(), st.text())),
            sink=st.sampled_from(get_args(plans.Sink)),
            lease_s=lasting,
            wait_s=seconds,
            grace_s=seconds,
            call_timeout_s=lasting,
            deadline_s=lasting,
            max_deliveries=some,
            retry=st.builds(
                RetryPolicy, seconds, st.floats(1.0, 1e6), seconds,
                st.sampled_from(["none", "full", "equal", "decorrelated"]),
            ),
            latency_s=seconds,
            restart_s=seconds,
            producers=st.integers(1, 5),
            label=st.text(max_size=6),
        )
    )  # fmt: skip


@given(plan=valid_plans(), backend=st.text(), driver=st.text())
def test_what_is_packed_comes_back(plan: Plan, backend: str, driver: str) -> None:
    assert decode(encode(plan, backend, driver)) == Packed(backend, driver, plan)


@settings(max_examples=40)
@given(plan=valid_plans(), other=st.text(max_size=6))
def test_a_plan_knows_its_jobs_by_their_ids_and_those_of_another_label_for_strangers(
    plan: Plan, other: str
) -> None:
    for index in range(len(plan.jobs)):
        assert plan.job_index(plan.job(index).id) == index
        if other != plan.label:
            stranger = replace(plan, label=other).job(index)
            assert plan.job_index(stranger.id) == -1
            assert stranger.key != plan.job(index).key


def test_the_golden_replay_string_is_the_same_plan_for_ever() -> None:
    assert decode(GOLDEN) == Packed("reference", "sim", GOLDEN_PLAN)


@pytest.mark.parametrize("name", scenarios.names())
def test_the_plans_of_every_scenario_make_sense(name: str) -> None:
    scenario = scenarios.find(name)
    for variant in scenario.variants:
        for seed in range(20):
            validate(scenario.plan(seed, variant))


# -- damage -----------------------------------------------------------------------------


def refusal(text: str) -> str:
    """The sentence with which a replay string is refused."""
    with pytest.raises(ReplayError) as caught:
        decode(text)
    sentence = str(caught.value)
    assert sentence.startswith("expected ") and "found" in sentence and ";" in sentence
    assert "\n" not in sentence and len(sentence) < 600
    return sentence


def test_each_single_character_damage_of_the_golden_string_is_refused() -> None:
    for at, right in enumerate(GOLDEN):
        for wrong in string.ascii_letters + string.digits + "-_+/=:\x00é ":
            if wrong != right:
                with pytest.raises(ReplayError):
                    decode(GOLDEN[:at] + wrong + GOLDEN[at + 1 :])
        with pytest.raises(ReplayError):
            decode(GOLDEN[:at] + GOLDEN[at + 1 :])


@given(plan=valid_plans(), data=st.data())
def test_damage_anywhere_in_any_string_is_refused(plan: Plan, data: st.DataObject) -> None:
    text = encode(plan, "reference", "sim")
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 5)))
    damaged = text[:start] + data.draw(st.text(max_size=3)) + text[end:]
    if "".join(damaged.split()) != text:
        refusal(damaged)


@given(cut=st.integers(0, len(GOLDEN) - 1))
def test_a_string_cut_short_is_refused(cut: int) -> None:
    refusal(GOLDEN[:cut])


def test_line_breaks_of_a_mail_program_do_no_harm() -> None:
    wrapped = "\n  ".join(GOLDEN[at : at + 60] for at in range(0, len(GOLDEN), 60))
    assert decode(f"  {wrapped}\r\n").plan == GOLDEN_PLAN


def test_the_string_of_another_version_is_known_by_its_prefix() -> None:
    assert "'jq2:" in refusal("jq2:" + GOLDEN.removeprefix(PREFIX))
    assert "found nothing" in refusal("").replace("'", "")


@given(st.text() | st.text().map(PREFIX.__add__))
def test_junk_is_refused(text: str) -> None:
    refusal(text)


def sealed(body: bytes) -> str:
    """A replay string whose container is whole, whatever is in it."""
    return PREFIX + spell(body)


def test_a_string_that_would_fill_the_memory_is_refused_before_it_does() -> None:
    packer = zlib.compressobj(9)
    zeros = bytes(2**20)
    bomb = sealed(b"".join(packer.compress(zeros) for _ in range(320)) + packer.flush())
    assert len(bomb) < 2**19
    tracemalloc.start()
    try:
        assert str(MAX_PLAN) in refusal(bomb)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2.5 * MAX_PLAN


def test_a_packed_plan_that_is_unfinished_is_refused() -> None:
    body = zlib.compress(msgspec.json.encode(Packed("reference", "sim", GOLDEN_PLAN)))
    refusal(sealed(body[:-6]))
    refusal(sealed(b""))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(json_values)
def test_a_whole_container_with_something_else_inside_is_refused(value: Any) -> None:
    refusal(sealed(zlib.compress(json.dumps(value).encode())))


def test_nesting_beyond_reason_is_refused() -> None:
    deep = b'["reference","sim",' + b"[" * 100_000 + b"]" * 100_000 + b"]"
    refusal(sealed(zlib.compress(deep)))
    extra = msgspec.json.encode(Packed("reference", "sim", GOLDEN_PLAN))[:-1] + b"," + deep + b"]"
    refusal(sealed(zlib.compress(extra)))


@given(plan=valid_plans(), data=st.data())
@settings(max_examples=100)
def test_a_value_exchanged_anywhere_is_refused_or_makes_another_valid_plan(
    plan: Plan, data: st.DataObject
) -> None:
    packed = json.loads(msgspec.json.encode(Packed("reference", "sim", plan)))
    place = packed
    while True:
        index = data.draw(st.integers(0, len(place) - 1))
        if not isinstance(place[index], list) or not place[index] or data.draw(st.booleans()):
            break
        place = place[index]
    place[index] = data.draw(json_values)
    text = sealed(zlib.compress(json.dumps(packed).encode()))
    try:
        validate(decode(text).plan)
    except ReplayError:
        refusal(text)


# -- plans that make no sense -----------------------------------------------------------

JOB, POOL = GOLDEN_PLAN.jobs[0], GOLDEN_PLAN.pools[0]
ABSURD: list[tuple[dict[str, object], str]] = [
    ({"jobs": (JOB, replace(JOB, queue=2))}, "jobs[1].queue"),
    ({"jobs": (replace(JOB, queue=-1),)}, "jobs[0].queue"),
    ({"jobs": (replace(JOB, service_s=-0.5),)}, "jobs[0].service_s"),
    ({"jobs": (replace(JOB, timeout_s=0.0),)}, "jobs[0].timeout_s"),
    ({"jobs": (replace(JOB, failures=-1),)}, "jobs[0].failures"),
    ({"pools": (replace(POOL, workers=-1),)}, "pools[0].workers"),
    ({"pools": (replace(POOL, workers=10**6),)}, "workers and producers"),
    ({"pools": (replace(POOL, queues=("mail", "post")),)}, "'post'"),
    ({"queues": (Queue("mail"), Queue("mail"))}, "names that differ"),
    ({"queues": (Queue("mail", -1.0), Queue("bulk"))}, "queues[0].bound_s"),
    ({"faults": (KillWorker(-1, 1.0),)}, "faults[0].worker"),
    ({"faults": (KillAt(-1, "mid_job"),)}, "faults[0].job"),
    ({"faults": (KillAt(0, "mid_job", 0),)}, "faults[0].times"),
    ({"faults": (NetFault("ack", 0, "reset"),)}, "faults[0].nth"),
    ({"faults": (NetTimeout(1.0, -2.0),)}, "faults[0].for_s"),
    ({"faults": (SkewClock(-2, 1.0, 5.0, 1.0),)}, "faults[0].node"),
    ({"faults": (SkewClock(0, 1.0, -5.0, -1.0),)}, "faults[0].for_s"),
    ({"retry": RetryPolicy(-1.0)}, "retry.base_s"),
    ({"retry": RetryPolicy(1.0, 0.5)}, "retry.factor"),
    ({"producers": 0}, "producers"),
    ({"max_deliveries": 0}, "max_deliveries"),
    ({"lease_s": 0.0}, "lease_s"),
    ({"deadline_s": -1.0}, "deadline_s"),
]


@pytest.mark.parametrize(("changes", "told"), ABSURD, ids=[told for _, told in ABSURD])
def test_a_plan_that_makes_no_sense_is_refused_with_the_place(
    changes: dict[str, Any], told: str
) -> None:
    assert told in refusal(encode(replace(GOLDEN_PLAN, **changes), "reference", "sim"))


@pytest.mark.parametrize("time", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda plan, time: replace(plan, lease_s=time), "as lease_s"),
        (lambda plan, time: replace(plan, jobs=(replace(JOB, at_s=time),)), "jobs[0].at_s"),
        (lambda plan, time: replace(plan, faults=(KillWorker(0, time),)), "faults[0].at_s"),
        (
            lambda plan, time: replace(plan, faults=(SkewClock(0, 1.0, time, 1.0),)),
            "faults[0].by_s",
        ),
        (lambda plan, time: replace(plan, retry=RetryPolicy(0.1, time)), "retry.factor"),
    ],
)
def test_a_time_that_is_no_number_is_refused(
    change: Callable[[Plan, float], Plan], told: str, time: float
) -> None:
    absurd = change(GOLDEN_PLAN, time)
    with pytest.raises(PlanError) as caught:
        validate(absurd)
    assert told in str(caught.value)
    refusal(encode(absurd, "reference", "sim"))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"jobs": (replace(JOB, timeout_s=None),)}, "type float as jobs[0].timeout_s"),
        ({"jobs": (JOB, replace(JOB, at_s="1"))}, "type float as jobs[1].at_s"),
        ({"jobs": (replace(JOB, behaviour="naps"),)}, "a legal value as jobs[0].behaviour"),
        ({"lease_s": None}, "type float as lease_s"),
        ({"faults": (replace(KillWorker(0, 1.0), worker="w1"),)}, "type int as faults[0].worker"),
        ({"faults": (3,)}, "type array as faults[0]"),
        ({"queues": ("mail",)}, "type array as queues[0]"),
    ],
)
def test_a_value_of_another_type_is_told_by_its_name(change: dict[str, Any], told: str) -> None:
    """A plan that was made by hand, which no decoder has seen."""
    with pytest.raises(PlanError) as caught:
        validate(replace(GOLDEN_PLAN, **change))
    assert told in str(caught.value)


def test_a_fault_on_a_job_that_the_plan_lacks_is_legal() -> None:
    lacking = replace(GOLDEN_PLAN, jobs=())
    assert decode(encode(lacking, "reference", "sim")).plan == lacking


# -- reading by people and by workers -----------------------------------------------------


@settings(max_examples=40)
@given(plan=valid_plans())
def test_as_json_every_value_has_its_name(plan: Plan) -> None:
    read = json.loads(to_json(plan))
    assert list(read) == list(Plan.__struct_fields__)
    assert len(to_json(plan).splitlines()) > len(Plan.__struct_fields__)
    assert [job["service_s"] for job in read["jobs"]] == [job.service_s for job in plan.jobs]
    assert [fault["type"] for fault in read["faults"]] == [
        fault.__struct_config__.tag for fault in plan.faults
    ]
    for fault, named in zip(plan.faults, read["faults"], strict=True):
        assert {name: getattr(fault, name) for name in fault.__struct_fields__} | {
            "type": fault.__struct_config__.tag
        } == named


def test_a_worker_reads_its_plan_without_the_checks_and_numpy(tmp_path: Path) -> None:
    script = (
        "import sys, jobquake.harness.drivers.node\n"
        "from jobquake.harness.plan.replay import unpack\n"
        "unpack(sys.argv[1])\n"
        "assert 'numpy' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script, GOLDEN], check=True, cwd=tmp_path)


def test_a_guarantee_without_a_check_is_refused_where_the_plan_is_run() -> None:
    absurd = replace(GOLDEN_PLAN, guarantees=("no_lost_work", "no_rain"))
    with pytest.raises(PlanError, match="as guarantee of the plan, found 'no_rain'"):
        run(absurd, backends.find("reference"), "sim")
    words = ["-m", "jobquake", "replay", encode(absurd, "reference", "sim")]
    refused = subprocess.run([sys.executable, *words], capture_output=True, text=True)
    assert refused.returncode == 2 and "found 'no_rain'" in refused.stderr


@pytest.mark.parametrize(
    ("place", "name"),
    [("plan", "decode"), ("plan", "ReplayError"), ("plan", "KillAt"), ("run", "load")],
)
def test_a_name_that_moved_is_still_found_at_its_old_place(place: str, name: str) -> None:
    with pytest.warns(DeprecationWarning, match=f"jobquake.harness.{place}.{name} has moved"):
        assert getattr(import_module(f"jobquake.harness.{place}"), name)
