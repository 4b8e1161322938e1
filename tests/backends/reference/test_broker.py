"""The broker as a process: long polls, durable answers, how it starts and how it ends."""

from __future__ import annotations

import contextlib
import resource
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from jobquake.backends.reference.broker import wire
from jobquake.backends.reference.stores.sqlite import SQLiteStore
from jobquake.protocol import commands as c
from support.broker_process import (
    PATIENCE_S,
    Broker,
    Raw,
    broker_command,
    connected,
    framed,
    open_files,
    running,
    state_of,
    wait_until,
)

LONG_S = 60.0  # a wait that a test never sits out


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with running(tmp_path / "queue.db") as broker:
        yield broker
        assert "Traceback" not in broker.errors.read_text()


def start_waiting(raw: Raw, *queues: str) -> None:
    """A lease that waits as request 1; returns when the broker has it."""
    raw.ask(1, c.Lease("waiter", queues or ("q",), LONG_S, LONG_S))
    raw.ask(2, c.Measure())
    assert raw.reply()[0] == 2


def delivered(raw: Raw) -> c.Delivery:
    request_id, reply = raw.reply()
    assert request_id == 1 and isinstance(reply, c.Leased) and reply.delivery
    return reply.delivery


# -- long polls -------------------------------------------------------------------------


def test_a_waiting_lease_wakes_when_a_job_comes(broker: Broker) -> None:
    with connected(broker) as raw:
        start_waiting(raw, "other", "q")
        broker.client().call(c.Enqueue(c.Job("j", "q")))
        assert delivered(raw).job.id == "j"


def test_a_waiting_lease_wakes_when_a_delayed_job_becomes_ready(broker: Broker) -> None:
    with connected(broker) as raw:
        start_waiting(raw)
        sent_at = time.monotonic()
        broker.client().call(c.Enqueue(c.Job("j", "q", delay_s=0.3)))
        assert delivered(raw).job.id == "j"
        assert time.monotonic() - sent_at >= 0.3


def test_a_waiting_lease_wakes_when_another_ones_lease_expires(broker: Broker) -> None:
    client = broker.client()
    client.call(c.Enqueue(c.Job("j", "q", retry=c.RetryPolicy(0.0))))
    client.call(c.Lease("crashes", ("q",), 0.2))
    with connected(broker) as raw:
        start_waiting(raw)
        assert delivered(raw).number == 2


def test_an_expired_lease_is_taken_back_though_nobody_asks_for_work(broker: Broker) -> None:
    client = broker.client()
    client.call(c.Enqueue(c.Job("j", "q", max_deliveries=1)))
    client.call(c.Lease("crashes", ("q",), 0.05))
    wait_until(lambda: state_of(client, "j") == "dead")


def test_a_waiting_lease_ends_empty_when_its_wait_is_over(broker: Broker) -> None:
    with connected(broker) as raw:
        raw.ask(1, c.Lease("w", ("q",), LONG_S, 0.2))
        assert raw.reply() == (1, c.Leased(None))


def test_one_job_wakes_one_waiter_and_the_first_that_came(broker: Broker) -> None:
    with connected(broker) as first, connected(broker) as second:
        start_waiting(first)
        start_waiting(second)
        broker.client().call(c.Enqueue(c.Job("j1", "q")))
        assert delivered(first).job.id == "j1"
        broker.client().call(c.Enqueue(c.Job("j2", "q")))
        assert delivered(second).job.id == "j2"


@pytest.mark.parametrize("leave", [Raw.close, Raw.reset])
@pytest.mark.parametrize("order", ["leaves, then job", "job, then leaves"])
def test_a_dead_waiter_does_not_swallow_a_job(
    broker: Broker, leave: Callable[[Raw], None], order: str
) -> None:
    """Both arrive while the broker stands still, so that it sees them in one glance."""
    dead, producer = Raw(broker), Raw(broker)
    start_waiting(dead)
    producer.ask(0, c.Inspect("warm up"))
    producer.reply()
    broker.send(signal.SIGSTOP)
    wait_until(lambda: psutil.Process(broker.process.pid).status() == psutil.STATUS_STOPPED)
    if order == "leaves, then job":
        leave(dead)
    producer.ask(1, c.Enqueue(c.Job("j", "q")))
    if order == "job, then leaves":
        leave(dead)
    broker.send(signal.SIGCONT)
    assert producer.reply() == (1, c.Enqueued(True))
    with connected(broker) as living:
        living.ask(1, c.Lease("w", ("q",), LONG_S, LONG_S))
        assert delivered(living).number == 1
    producer.close()


def test_a_waiter_whose_connection_was_cut_for_a_bad_frame_gets_no_job(broker: Broker) -> None:
    with connected(broker) as bad, connected(broker) as living:
        start_waiting(bad)
        start_waiting(living)
        bad.send(b"\xff" * wire.HEADER)
        broker.client().call(c.Enqueue(c.Job("j", "q")))
        assert delivered(living).number == 1


def test_an_idle_broker_with_waiting_workers_leaves_the_files_lock_to_others(
    broker: Broker,
) -> None:
    """If it wanted the lock, it would stand still and refuse no bad message for 10 s."""
    with connected(broker) as waiter, connected(broker) as bad:
        start_waiting(waiter)
        with contextlib.closing(sqlite3.connect(broker.db, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            bad.socket.settimeout(5.0)
            for _ in range(10):  # over several of its looks at the file
                time.sleep(0.05)
                bad.send(framed(b"nonsense"))
                assert isinstance(bad.reply()[1], c.Refused)


# -- durable answers --------------------------------------------------------------------


def held(db: Path, job_id: str) -> str | None:
    store = SQLiteStore(db)
    record = store.get(job_id)
    store.close()
    return record.state if record else None


def test_what_was_answered_before_a_sigkill_is_in_the_file(tmp_path: Path) -> None:
    """Hundreds of requests are one commit; the kill comes at the first answer that shows."""
    ids = [f"j{number}" for number in range(300)]
    with running(tmp_path / "queue.db") as broker, connected(broker) as raw:
        raw.send(b"".join(wire.encode(n, c.Enqueue(c.Job(j))) for n, j in enumerate(ids)))
        answered = [raw.reply()]
        broker.end(signal.SIGKILL)
        answered += raw._replies
        assert answered == [(n, c.Enqueued(True)) for n in range(len(answered))]
    for number, _ in answered:
        assert held(broker.db, ids[number]) == "ready"


def test_a_settled_job_stays_settled_over_a_sigkill(tmp_path: Path) -> None:
    with running(tmp_path / "queue.db") as broker:
        client = broker.client()
        for name in ("acked", "nacked", "leased"):
            client.call(c.Enqueue(c.Job(name, name, max_deliveries=1)))
            leased = client.call(c.Lease("w", (name,), LONG_S))
            assert isinstance(leased, c.Leased) and leased.delivery
        assert client.attempt(c.Nack("nacked", 1, "no")) == c.Settled(True)
        assert client.attempt(c.Ack("acked", 1)) == c.Settled(True)
        broker.end(signal.SIGKILL)
    with running(tmp_path / "queue.db") as again:
        client = again.client()
        assert client.attempt(c.Ack("acked", 1)) == c.Settled(
            True, "already settled by this delivery"
        )
        assert state_of(client, "nacked") == "dead"
        assert client.attempt(c.Ack("leased", 1)) == c.Settled(True)


def test_a_full_disk_is_answered_with_its_error_and_the_broker_goes_on_when_there_is_room(
    broker: Broker,
) -> None:
    client = broker.client()
    client.call(c.Enqueue(c.Job("kept", "q", retry=c.RetryPolicy(0.0))))
    client.call(c.Lease("crashes", ("q",), 0.3))
    limits = resource.prlimit(broker.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(broker.process.pid, resource.RLIMIT_FSIZE, (4096, limits[1]))

    huge = c.Job("huge", "q2", payload=bytes(4 * 2**20))  # fails before the commit
    for job in (c.Job("more", "q2"), huge):
        failed = client.attempt(c.Enqueue(job))
        assert isinstance(failed, c.Failed) and failed.environment
        assert failed.error in broker.errors.read_text()
    assert client.call(c.Inspect("more")) == c.Inspected(None)
    # Until the lease has expired, so that taking it back meets the full disk too.
    wait_until(lambda: broker.errors.read_text().count("expected to write") >= 2)
    assert "rollback" not in broker.errors.read_text(), "the first error is told, not its echo"

    resource.prlimit(broker.process.pid, resource.RLIMIT_FSIZE, limits)
    assert isinstance(client.call(c.Enqueue(c.Job("more", "q2"))), c.Enqueued)
    again = client.call(c.Lease("w", ("q",), LONG_S, LONG_S))
    assert isinstance(again, c.Leased) and again.delivery and again.delivery.number == 2


# -- starting and ending ----------------------------------------------------------------


def refuses_to_start(db: Path, port: int = 0, *more: str) -> str:
    """The one sentence with which a broker refuses to start, with exit code 3."""
    done = subprocess.run(
        broker_command(db, port, *more), capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert done.returncode == 3, done.stderr
    assert done.stdout == ""
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("jobquake: expected ") and "found" in line and ";" in line
    return line


def test_a_broker_that_is_killed_again_and_again_forgets_what_is_older_than_its_retention(
    tmp_path: Path,
) -> None:
    path = tmp_path / "queue.db"
    with running(path, 0, "--retention", "1h") as broker:
        client = broker.client()
        for job in ("done", "waits"):
            client.call(c.Enqueue(c.Job(job, job, key=job)))
        client.call(c.Lease("w", ("done",), LONG_S))
        client.call(c.Ack("done", 1))
        broker.end()
    with running(path, 0, "--retention", "1h") as broker:
        assert state_of(broker.client(), "done") == "done"
        broker.end()
    with running(path, 0, "--retention", "1ms") as broker:
        client = broker.client()
        wait_until(lambda: client.call(c.Inspect("done")) == c.Inspected(None))
        assert state_of(client, "waits") == "ready"


def test_a_port_in_use_is_told_in_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = refuses_to_start(tmp_path / "queue.db", port)
    assert f"127.0.0.1:{port}" in line and "in use" in line


def test_a_host_that_is_no_address_is_told_in_one_sentence(tmp_path: Path) -> None:
    line = refuses_to_start(tmp_path / "queue.db", 0, "--host", "no.such.host.invalid")
    assert "Unknown error" not in line


def text_file(path: Path) -> None:
    path.write_text("I am no queue.\n" * 100)


def in_database(path: Path, *statements: str) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        for statement in statements:
            db.execute(statement)


def somebody_elses_database(path: Path) -> None:
    in_database(path, "CREATE TABLE customers (name TEXT)")


def somebody_elses_versioned_database(path: Path) -> None:
    in_database(path, "CREATE TABLE customers (name TEXT)", "PRAGMA user_version=1")


def queue_of_a_later_version(path: Path) -> None:
    SQLiteStore(path).close()
    in_database(path, "PRAGMA user_version=99")


def cut_queue(path: Path) -> None:
    SQLiteStore(path).close()
    path.write_bytes(path.read_bytes()[:5000])


@pytest.mark.parametrize(
    "make",
    [
        text_file,
        somebody_elses_database,
        somebody_elses_versioned_database,
        queue_of_a_later_version,
        cut_queue,
        Path.mkdir,
    ],
)
def test_a_file_that_is_no_queue_is_refused_and_left_as_it_was(
    tmp_path: Path, make: Callable[[Path], object]
) -> None:
    path = tmp_path / "queue.db"
    make(path)
    before = path.read_bytes() if path.is_file() else None
    assert str(path) in refuses_to_start(path)
    assert before == (path.read_bytes() if path.is_file() else None)


def test_a_queue_file_in_a_folder_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    assert "nowhere" in refuses_to_start(tmp_path / "nowhere" / "queue.db")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly_whoever_is_connected(
    tmp_path: Path, number: signal.Signals
) -> None:
    with running(tmp_path / "queue.db") as broker:
        broker.client().call(c.Enqueue(c.Job("j", "kept")))
        for payload in range(4):
            job = c.Job(f"{payload}", "big", payload=bytes(2**21), max_deliveries=1)
            broker.client().call(c.Enqueue(job))
            broker.client().call(c.Lease("w", ("big",), LONG_S))
            broker.client().call(c.Nack(job.id, 1, "no", True))
        with connected(broker) as waiter, connected(broker) as half, connected(broker) as deaf:
            start_waiting(waiter)
            half.send(b"\x00\x00\x01")
            deaf.ask(1, c.ListDead("big", limit=3))
            assert open_files(broker)
            assert broker.end(number) == 0
            assert waiter.was_closed()
        assert broker.errors.read_text() == ""
    assert held(broker.db, "j") == "ready"
