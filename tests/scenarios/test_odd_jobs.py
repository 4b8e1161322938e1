"""Odd payloads and names outlive every store, real servers included, and every old plan is one."""

from __future__ import annotations

import pytest
from jobquake.backends import registry as backends
from jobquake.harness.drivers.sim import simulate
from jobquake.harness.plan.names import LONG, ODD_NAMES
from jobquake.harness.plan.payload import payload
from jobquake.harness.plan.plan import Plan, PlannedJob, Pool, Queue
from jobquake.harness.plan.replay import decode, encode
from jobquake.harness.plan.validate import PlanError, validate
from jobquake.harness.result import judge
from jobquake.scenarios import registry as scenarios
from support.servers_here import KINDS, address


def plan(*jobs: PlannedJob) -> Plan:
    queues, pools = (Queue("q"),), (Pool("p", ("q",), 1),)
    return Plan("odd", "default", 0, queues, pools, jobs, (), ("no_lost_work",))


@pytest.mark.parametrize("place", ["sqlite", *KINDS])
@pytest.mark.parametrize("name", ["odd-payloads", "odd-names"])
def test_they_are_kept_as_they_are_in_every_store(name: str, place: str) -> None:
    if place in KINDS:
        address(place)
    drawn, backend = scenarios.find(name).plan(0), backends.find(f"reference-{place}")
    result = judge(drawn, backend, simulate(drawn, backend), "sim")
    assert result.verdict == "held", result.sentence


@pytest.mark.parametrize("size", [0, 1, 2, 5, 6, 300, 65_537])
def test_a_payload_is_no_text_and_another_one_for_each_job(size: int) -> None:
    found = payload("job-1", size)
    assert len(found) == size
    assert found == payload("job-1", size)
    assert size < 8 or found != payload("job-2", size)
    if size > 1:
        assert b"\0" in found
        with pytest.raises(UnicodeDecodeError):
            found.decode()


def test_a_job_with_a_name_is_known_by_it_and_the_others_by_their_index() -> None:
    named = plan(PlannedJob(0.0, 0, 0.1), PlannedJob(0.0, 0, 0.1, name="pay*", payload_bytes=3))
    assert [named.job(index).id for index in (0, 1)] == ["job-0", "pay*"]
    assert [named.job_index(name) for name in ("job-0", "pay*", "job-1", "pay")] == [0, 1, -1, -1]
    assert named.job(1).payload == payload("pay*", 3)
    assert decode(encode(named, "reference", "sim")).plan == named


def test_the_names_differ_and_go_beyond_what_a_column_holds() -> None:
    assert len(set(ODD_NAMES)) == len(ODD_NAMES)
    assert len({name.casefold() for name in ODD_NAMES}) < len(ODD_NAMES)
    assert {len(name) for name in ODD_NAMES} >= {1, len(LONG), len(LONG) + 1, 4 * len(LONG)}


@pytest.mark.parametrize(
    ("job", "found"),
    [
        (PlannedJob(0.0, 0, 0.1, payload_bytes=-1), "found -1"),
        (PlannedJob(0.0, 0, 0.1, payload_bytes=1 << 40), "payload_bytes"),
        (PlannedJob(0.0, 0, 0.1, name="job-0"), "a name that no other job has"),
    ],
)
def test_a_payload_or_a_name_that_cannot_be_is_refused(job: PlannedJob, found: str) -> None:
    with pytest.raises(PlanError, match=found):
        validate(plan(PlannedJob(0.0, 0, 0.1), job))
