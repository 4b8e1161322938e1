"""The broker is ended again and again under load: what it has acknowledged stays true.

Producers and workers never pause, so that each signal strikes with requests under way;
the run counts the calls that a kill cut off and is worth nothing without them. What they
were told is kept on the callers' side, and held against the queue's file at the end.
"""

from __future__ import annotations

import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from jobquake.backends.reference.broker.client import Client
from jobquake.backends.reference.stores.sqlite import SQLiteStore
from jobquake.protocol.commands import (
    Ack,
    Command,
    Enqueue,
    Enqueued,
    Job,
    Lease,
    Leased,
    Reply,
    Settled,
)
from support.broker_process import Broker, wait_until

PRODUCERS, WORKERS = 8, 8
LEASE_S = 600.0  # no lease ends during the test: each job has one rightful delivery
DOWN_S = 0.002


class Load:
    """Callers in threads, and all that the broker has told them."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._stop = threading.Event()
        self.accepted: dict[str, None] = {}  # in order
        self.acked: dict[str, int] = {}
        self.wrong: list[str] = []
        self.counts: Counter[str] = Counter()
        work = [(self._produce, n) for n in range(PRODUCERS)]
        work += [(self._work, n) for n in range(WORKERS)]
        self._threads = [threading.Thread(target=target, args=(n,)) for target, n in work]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    @property
    def told(self) -> int:
        return len(self.accepted) + len(self.acked)

    def _until_answered(self, client: Client, command: Command) -> Reply | None:
        """Repeat the call until it is answered; None only if the load is to stop first."""
        name = type(command).__name__.lower()
        while not self._stop.is_set():
            under_way = client._socket is not None
            reply = client.attempt(command)
            if reply is not None:
                return reply
            if under_way:
                self.counts[f"{name} cut off"] += 1
            time.sleep(DOWN_S)
        return None

    def _produce(self, number: int) -> None:
        client = Client(self._address, 10.0, 10.0)
        while not self._stop.is_set():
            job = Job(f"{number}-{self.counts[f'producer {number}']}")
            self.counts[f"producer {number}"] += 1
            before = self.counts["enqueue cut off"]
            reply = self._until_answered(client, Enqueue(job))
            if isinstance(reply, Enqueued):
                self.accepted[job.id] = None
                if not reply.created:
                    self.counts["enqueue took effect, answer lost"] += 1
                    if self.counts["enqueue cut off"] == before:
                        self.wrong.append(f"{job.id} was known before it was enqueued")
            elif reply is not None:
                self.wrong.append(f"enqueue of {job.id}: {reply}")
        client.close()

    def _work(self, number: int) -> None:
        client = Client(self._address, 10.0, 10.0)
        while not self._stop.is_set():
            leased = self._until_answered(client, Lease(f"w{number}", ("default",), LEASE_S, 1.0))
            if not isinstance(leased, Leased) or leased.delivery is None:
                continue
            job_id, token = leased.delivery.job.id, leased.delivery.token
            if token != 1 or job_id in self.acked:
                self.wrong.append(f"{job_id} was handed out again as delivery {token}")
            settled = self._until_answered(client, Ack(job_id, token))
            if isinstance(settled, Settled) and settled.accepted:
                self.acked[job_id] = token
                self.counts["ack took effect, answer lost"] += bool(settled.why)
            elif settled is not None:
                self.wrong.append(f"ack of {job_id}: {settled}")
        client.close()


def forgotten(db: Path, load: Load) -> list[str]:
    """What was acknowledged and is not in the file."""
    store = SQLiteStore(db)
    missing = [
        f"enqueue of {job_id}" for job_id in list(load.accepted) if store.get(job_id) is None
    ]
    for job_id, token in list(load.acked.items()):
        record = store.get(job_id)
        if record is None or (record.state, record.settled_token) != ("done", token):
            missing.append(f"ack of {job_id}: {record}")
    store.close()
    return missing


def shake(db: Path, kills: int, number: signal.Signals, seed: int) -> Load:
    rng = Random(seed)
    expected = -signal.SIGKILL if number == signal.SIGKILL else 0
    broker = Broker(db)
    load = Load(broker.address)
    load.start()
    try:
        for _ in range(kills):
            enough = load.told + rng.randint(1, 150)
            wait_until(lambda: load.told >= enough)  # noqa: B023
            time.sleep(rng.uniform(0.0, 0.005))
            assert broker.end(number) == expected
            assert not forgotten(db, load)
            broker = Broker(db, broker.port)
        wait_until(lambda: load.told > enough)
    finally:
        load.stop()
        broker.end()
    return load


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("kills", [3, pytest.param(50, marks=pytest.mark.slow)])
def test_no_acknowledged_enqueue_or_ack_is_forgotten_over_signals(
    tmp_path: Path,
    kills: int,
    number: signal.Signals,
    record_property: Callable[[str, object], None],
) -> None:
    load = shake(tmp_path / "queue.db", kills, number, seed=kills)
    record_property("counts", dict(load.counts))
    assert not forgotten(tmp_path / "queue.db", load)
    assert not load.wrong
    cut = sum(load.counts[f"{name} cut off"] for name in ("enqueue", "lease", "ack"))
    assert cut >= kills, "each signal struck while requests were under way"
    assert load.accepted and load.acked
    assert (tmp_path / "queue.err").read_text() == "", "and nothing is said about it"
