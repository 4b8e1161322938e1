"""Jobs per second on Redis and PostgreSQL by how many client processes compete for them.

    python benchmarks/claim_rate.py
    python benchmarks/claim_rate.py --kinds redis --clients 1 8 16 --seconds 10

Each client enqueues a job, leases the next one and acks it, again and again, all in one queue
that has some jobs in store; the server waits for the disk as durable servers do. Beside it the
same three steps in the server's bare commands (a list in Redis; one table and FOR UPDATE SKIP
LOCKED in PostgreSQL), which decide nothing. The ratio to one client is the figure, and how it
compares with that of the bare commands. Rounds take turns, and medians count: other work on the
machine meets all alike.
"""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from multiprocessing.synchronize import Barrier
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

from jobquake.backends.reference import places
from jobquake.backends.reference.queue import ReferenceQueue
from jobquake.protocol.commands import Ack, Enqueue, Job, Lease, Leased
from jobquake.servers import running

IN_STORE = 200
PATIENCE_S = 10.0
Step = Callable[[int], bool]


def queue_step(kind: str, url: str, name: str) -> Step:
    """Enqueue, lease, ack in the reference queue; whether a job went all the way."""
    store = places.open_store(kind, url, name, PATIENCE_S)
    queue = ReferenceQueue(store, store.clock, Random())
    own = uuid.uuid4().hex

    def step(number: int) -> bool:
        queue.call(Enqueue(Job(f"{own}-{number}", payload=b"x" * 100)))
        leased = queue.call(Lease(own, ("default",), 60.0))
        assert isinstance(leased, Leased)
        if leased.delivery is None:
            return False
        queue.call(Ack(leased.delivery.job.id, leased.delivery.token))
        return True

    return step


def bare_redis_step(url: str, name: str) -> Step:
    import redis

    server: Any = redis.Redis.from_url(url)

    def step(number: int) -> bool:
        server.lpush(f"{name}:ready", b"x" * 100)
        job = server.rpoplpush(f"{name}:ready", f"{name}:held")
        server.lrem(f"{name}:held", 1, job)
        return job is not None

    return step


def bare_postgres_step(url: str, name: str) -> Step:
    import psycopg

    connection = psycopg.connect(url, autocommit=True)
    table = f'"{name}-bare"'
    claim = (
        f"UPDATE {table} SET state = 'leased' WHERE id = (SELECT id FROM {table}"
        " WHERE state = 'ready' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id"
    )

    def step(number: int) -> bool:
        connection.execute(f"INSERT INTO {table} (body) VALUES (%s)", (b"x" * 100,))
        job = connection.execute(claim).fetchone()
        if job is None:
            return False
        connection.execute(f"UPDATE {table} SET state = 'done' WHERE id = %s", job)
        return True

    return step


def client(
    make: Callable[..., Step], told: tuple[str, ...], start: Barrier, seconds: float, done: Any
) -> None:
    step = make(*told)
    for number in range(5):
        step(-number - 1)
    start.wait()
    until, jobs, asked = time.monotonic() + seconds, 0, 0
    while time.monotonic() < until:
        jobs += step(asked)
        asked += 1
    done.put(jobs)


def rate(make: Callable[..., Step], told: tuple[str, ...], clients: int, seconds: float) -> float:
    """Jobs per second that so many processes bring to their end."""
    start = multiprocessing.Barrier(clients)
    done: multiprocessing.Queue[int] = multiprocessing.Queue()
    args = (make, told, start, seconds, done)
    processes = [multiprocessing.Process(target=client, args=args) for _ in range(clients)]
    for process in processes:
        process.start()
    jobs = sum(done.get() for _ in processes)
    for process in processes:
        process.join()
    return jobs / seconds


def prepare(kind: str, url: str, name: str) -> None:
    """Jobs in store for both: nobody finds the queue empty."""
    store = places.open_store(kind, url, name, PATIENCE_S)
    queue = ReferenceQueue(store, store.clock, Random())
    for number in range(IN_STORE):
        queue.call(Enqueue(Job(f"first-{number}", payload=b"x" * 100)))
    store.close()
    if kind == "redis":
        import redis

        redis.Redis.from_url(url).lpush(f"{name}:ready", *[b"x" * 100] * IN_STORE)
        return
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        table = f'"{name}-bare"'
        connection.execute(
            f"CREATE TABLE {table} (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
            " state text NOT NULL DEFAULT 'ready', body bytea NOT NULL)"
        )
        connection.execute(f"CREATE INDEX ON {table} (id) WHERE state = 'ready'")
        connection.execute(
            f"INSERT INTO {table} (body) SELECT %s FROM generate_series(1, %s)",
            (b"x" * 100, IN_STORE),
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kinds", nargs="*", default=["redis", "postgres"])
    parser.add_argument("--clients", nargs="*", type=int, default=[1, 8, 16])
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    bare = {"redis": bare_redis_step, "postgres": bare_postgres_step}
    print(f"{'jobs/s (ratio to one client)':<32}" + "".join(f"{n:>18}" for n in chosen.clients))
    for kind in chosen.kinds:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="jobquake-b-")))
            server = running.start(kind, folder / "server", careless=False, lifeline=True)
            stack.callback(running.stop, server)
            url, name = places.url_of(kind, server.address), "bench"
            prepare(kind, url, name)
            ways: dict[str, tuple[Callable[..., Step], tuple[str, ...]]] = {
                f"{kind}: reference queue": (queue_step, (kind, url, name)),
                f"{kind}: bare commands": (bare[kind], (url, name)),
            }
            got: dict[tuple[str, int], list[float]] = {}
            for _ in range(chosen.rounds):
                for clients in chosen.clients:
                    for way, (make, told) in ways.items():
                        found = rate(make, told, clients, chosen.seconds)
                        got.setdefault((way, clients), []).append(found)
            for way in ways:
                rates = [median(got[way, clients]) for clients in chosen.clients]
                cells = [f"{found:.0f} ({found / rates[0]:.2f}x)" for found in rates]
                print(f"{way:<32}" + "".join(f"{cell:>18}" for cell in cells), flush=True)


if __name__ == "__main__":
    main()
