"""What the broker has accepted it can deliver: a job as large as may be, errors, long lists."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from jobquake.backends.reference import core
from jobquake.backends.reference.broker import wire
from jobquake.backends.reference.broker.client import Client
from jobquake.protocol import commands as c
from support.broker_process import Broker, connected, running

LONG_S = 60.0
AT_ONCE = c.RetryPolicy(0.0, 1.0, 0.0, "none")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with running(tmp_path / "queue.db") as broker:
        yield broker
        assert broker.errors.read_text() == ""


def leased(client: Client, worker: str = "w") -> c.Delivery:
    reply = client.call(c.Lease(worker, ("q",), LONG_S))
    assert isinstance(reply, c.Leased) and reply.delivery, reply
    return reply.delivery


def of_size(size: int) -> c.Job:
    """The job whose enqueue is a frame of exactly that many bytes."""
    job = c.Job("large", "q", bytes(size), max_deliveries=60, retry=AT_ONCE)
    spare = len(wire._encoder.encode((1, c.Enqueue(job)))) - size
    return c.Job("large", "q", bytes(size - spare), max_deliveries=60, retry=AT_ONCE)


WORKER, ERROR = "\U0001f4b6" * core.LONGEST_WORKER, "\U0001f4b6" * 100_000


def test_whatever_becomes_of_a_job_it_fits_into_an_answer() -> None:
    """The largest one that is accepted, given up after the longest errors of the longest worker."""
    record = core.admit(of_size(wire.MAX_COMMAND), 0.0)
    for _ in range(60):
        leased = core.lease(record, WORKER, 60.0, 0.0)
        ruling = core.nack(leased, leased.token, ERROR, False, 0.0, Random(0))
        assert ruling.successor
        record = ruling.successor
    assert record.state == "dead" and len(record.attempts) == core.ATTEMPTS_KEPT
    assert wire.encode(1, c.DeadLetters((core.dead_letter(record),), "1.5:7"))


@pytest.mark.slow
def test_a_job_whose_frame_is_exactly_the_limit_lives_a_whole_life(broker: Broker) -> None:
    """Sixty failures, each with the longest error of the longest worker, and it can be listed."""
    client = broker.client()
    job = of_size(wire.MAX_COMMAND)
    with connected(broker) as raw:
        raw.ask(1, c.Enqueue(job))
        assert raw.reply() == (1, c.Enqueued(True))
    for number in range(1, 61):
        delivery = leased(client, WORKER)
        assert (delivery.number, delivery.job.payload) == (number, job.payload)
        assert client.call(c.Nack("large", number, ERROR)) == c.Settled(True)
    found = client.call(c.ListDead("q"))
    assert isinstance(found, c.DeadLetters) and found.letters[0].job == job
    assert len(found.letters[0].attempts) == core.ATTEMPTS_KEPT
    assert found.letters[0].reason.endswith("... (cut, of 100000 characters)")
    assert client.call(c.Replay(("large",))) == c.Replayed(("large",))
    assert client.call(c.Ack("large", leased(client).token)) == c.Settled(True)


def test_a_job_one_byte_larger_is_refused_at_the_door(broker: Broker) -> None:
    with connected(broker) as raw:
        job = of_size(wire.MAX_COMMAND + 1)
        body = wire._encoder.encode((1, c.Enqueue(job)))
        raw.send(len(body).to_bytes(wire.HEADER, "big") + body)
        request_id, reply = raw.reply()
        assert request_id == 1 and isinstance(reply, c.Refused)
        assert str(wire.MAX_COMMAND) in reply.error
        raw.ask(2, c.Inspect("large"))
        assert raw.reply() == (2, c.Inspected(None)), "and nothing of it is held"


def test_dead_letters_that_fill_several_answers_come_in_pages(broker: Broker) -> None:
    client = broker.client()
    ids = [f"job-{number:02}" for number in range(12)]
    for job_id in ids:
        payload = bytes(wire.MAX_FRAME // 8 if job_id < "job-06" else 10)
        client.call(c.Enqueue(c.Job(job_id, "q", payload)))
        client.call(c.Nack(job_id, leased(client).token, "no", permanent=True))
    with connected(broker) as raw:
        raw.ask(1, c.ListDead("q"))
        page = raw.reply()[1]
        assert isinstance(page, c.DeadLetters) and 0 < len(page.letters) < len(ids) and page.next
        raw.ask(2, c.ListDead("q", after="nonsense"))
        reply = raw.reply()[1]
        assert isinstance(reply, c.Refused) and "'nonsense'" in reply.error
    for limit in (12, 1000, 7):
        found = client.call(c.ListDead("q", limit=limit))
        assert isinstance(found, c.DeadLetters)
        assert [letter.job.id for letter in found.letters] == ids[:limit]
    found = client.call(c.ListDead("q", reason="nothing like it"))
    assert found == c.DeadLetters(())


def test_a_letter_that_was_replayed_between_two_pages_does_not_end_the_list(
    broker: Broker,
) -> None:
    client = broker.client()
    for number in range(6):
        client.call(c.Enqueue(c.Job(f"job-{number}", "q", bytes(wire.MAX_FRAME // 8))))
        client.call(c.Nack(f"job-{number}", leased(client).token, "no", permanent=True))
    with connected(broker) as raw:
        raw.ask(1, c.ListDead("q"))
        page = raw.reply()[1]
        assert isinstance(page, c.DeadLetters)
        client.call(c.Replay(tuple(letter.job.id for letter in page.letters)))
        raw.ask(2, c.ListDead("q", after=page.next))
        rest = raw.reply()[1]
        assert isinstance(rest, c.DeadLetters)
        assert rest.letters[0].job.id == f"job-{len(page.letters)}"
