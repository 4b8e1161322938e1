"""What the network proxy sees of a shared store's calls: the write names the call and its job."""

from __future__ import annotations

import pytest
from jobquake.backends.reference import core
from jobquake.backends.reference.framing import PostgresFraming, RedisFraming
from jobquake.backends.reference.stores.identity import identity
from jobquake.protocol.commands import Job

Framing = RedisFraming | PostgresFraming


def lease_of(job_id: str) -> bytes:
    record = core.admit(Job(job_id), 0.0)
    return identity(record, core.lease(record, "w", 1.0, 0.0)).encode()


def ack_of(job_id: str) -> bytes:
    leased = core.lease(core.admit(Job(job_id), 0.0), "w", 1.0, 0.0)
    return identity(leased, core.ack(leased, 1, 0.5).successor or leased).encode()


@pytest.fixture(params=[RedisFraming, PostgresFraming])
def framing(request: pytest.FixtureRequest) -> Framing:
    made: Framing = request.param()
    return made


def test_of_several_leases_that_are_proposed_the_answer_tells_which_was_carried_out(
    framing: Framing,
) -> None:
    session = framing.session()
    first, second = lease_of("job-1"), lease_of("job-2")
    assert session.request(b"claim " + first + b" " + second) == (0, "lease", "job-1")
    assert session.reply(b"what came before") == (0, "", "")
    assert session.reply(b"1 " + second[:9]) == (0, "", "")
    assert session.reply(second[9:] + b" 0") == (0, "lease", "job-2")
    assert session.reply(second) == (0, "", ""), "handed out once"


def test_an_answer_that_takes_none_of_them_hands_out_nothing(framing: Framing) -> None:
    session = framing.session()
    session.request(b"claim " + lease_of("job-1"))
    assert session.reply(b"-1 " + lease_of("job-1")) == (0, "", ""), "somebody else's write"


def test_a_settled_job_is_known_by_its_request_alone(framing: Framing) -> None:
    session = framing.session()
    assert session.request(b"put " + ack_of("job-1")) == (0, "ack", "job-1")
    assert session.reply(b"1 " + ack_of("job-1")) == (0, "", "")
    assert session.request(b"look") == (0, "", "")


def test_replies_pass_as_they_come(framing: Framing) -> None:
    buffer = bytearray(b"N")  # half a reply, and what a server says before its first one
    assert framing.split_replies(buffer) == [b"N"]
    assert framing.split_replies(buffer) == []
