"""What a worker relies on in a connection, in real time: it waits, and it comes back.

Each takes the adapter, and the address of its server (or its folder).
"""

from __future__ import annotations

import socket
import threading
import time

from ...backends.adapter import RemoteQueue, Unavailable
from ...protocol.commands import Enqueue, Enqueued, Inspect, Job, Lease, Leased
from .bench import LEASE_S, QUEUE
from .words import shown

WAIT_S = 1.0
SOONER_S = 0.2
TIMEOUT_S = 0.5
SLACK_S = 2.0  # of a busy machine; whoever has no timeout takes minutes, or never comes back


def a_lease_waits_until_its_time_is_up(adapter: RemoteQueue, address: str) -> None:
    connection = adapter.connect(address, TIMEOUT_S)
    asked = time.monotonic()
    reply = connection.attempt(Lease("w1", (QUEUE,), 10.0, WAIT_S))
    took = time.monotonic() - asked
    connection.close()
    said = f"Lease(wait_s={WAIT_S:g}) of an empty queue:"
    _expect(reply == Leased(None), f"{said} expected no job", shown(reply))
    _expect(
        took > 0.8 * WAIT_S,
        f"{said} expected it to wait for {WAIT_S:g} s, so that workers do not ask in a hot loop",
        f"an answer after {took:.2f} s",
    )
    _expect(
        took < WAIT_S + SLACK_S,
        f"{said} expected an answer after {WAIT_S:g} s",
        f"one after {took:.2f} s",
    )


def a_lease_that_waits_is_given_the_job_that_comes(adapter: RemoteQueue, address: str) -> None:
    waiting, producing = (adapter.connect(address, TIMEOUT_S) for _ in range(2))

    def enqueue() -> None:
        time.sleep(SOONER_S)
        enqueued.append(producing.attempt(Enqueue(Job("a"))))

    enqueued: list[object] = []
    producer = threading.Thread(target=enqueue)
    producer.start()
    try:
        reply = waiting.attempt(Lease("w1", (QUEUE,), 10.0, 10 * WAIT_S))
    finally:
        producer.join()
        waiting.close()
        producing.close()
    _expect(
        isinstance(enqueued[0], Enqueued), "job 'a', Enqueue: expected Enqueued", shown(enqueued[0])
    )
    got = isinstance(reply, Leased) and reply.delivery and reply.delivery.job.id == "a"
    _expect(
        bool(got),
        f"job 'a', Lease(wait_s={10 * WAIT_S:g}): expected the job that came while it waited",
        shown(reply),
    )


def a_lease_outlasts_its_connection(adapter: RemoteQueue, address: str) -> None:
    """Whoever has lost his connection has the job still, and may come back with another one."""
    lost, another = (adapter.connect(address, TIMEOUT_S) for _ in range(2))
    lost.attempt(Enqueue(Job("a")))
    holder = lost.attempt(Lease("w1", (QUEUE,), LEASE_S))
    got = isinstance(holder, Leased) and holder.delivery
    _expect(bool(got), "job 'a', Lease: expected the job that was enqueued", shown(holder))
    lost.close()
    reply = another.attempt(Lease("w2", (QUEUE,), LEASE_S, SOONER_S))
    another.close()
    said = "job 'a', whose holder's connection was closed: expected it to stay with its holder"
    _expect(reply == Leased(None), said, shown(reply))


def an_attempt_returns_in_time_where_nobody_answers(adapter: RemoteQueue) -> None:
    """A server that accepts connections and says nothing, as one that hangs does."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        began = time.monotonic()
        try:
            connection = adapter.connect(address, TIMEOUT_S)
        except Unavailable:
            reply = None
        else:
            reply = connection.attempt(Inspect("a"))
            connection.close()
        took = time.monotonic() - began
    said = f"job 'a', Inspect to a server that never answers (timeout_s={TIMEOUT_S:g}): expected"
    _expect(reply is None, f"{said} attempt() to return None", shown(reply))
    _expect(
        took < TIMEOUT_S + SLACK_S,
        f"{said} attempt() to return after {TIMEOUT_S:g} s",
        f"that it returned after {took:.1f} s",
    )


def _expect(held: bool, expected: str, found: str) -> None:
    __tracebackhide__ = True
    if not held:
        raise AssertionError(f"{expected}, found {found}")
