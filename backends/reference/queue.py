"""The reference queue: carries out the core's decisions on a store.

This is the only place that reads the clock and draws random numbers, both injected, so
the same queue runs under virtual time and in a broker. It decides nothing itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf
from random import Random

from ...protocol.clock import Clock
from ...protocol.commands import (
    Ack,
    Command,
    DeadLetters,
    Delivery,
    Enqueue,
    Enqueued,
    Extend,
    Inspect,
    Inspected,
    Job,
    Lease,
    Leased,
    ListDead,
    Measure,
    Measured,
    Nack,
    Refused,
    Release,
    Replay,
    Replayed,
    Reply,
    Settled,
)
from .core import CORRECT, Decisions, Ruling, dead_letter, overran
from .record import Record
from .stores.store import Store
from .tally import Tally

RETENTION_S = 86_400.0
FORGET_EVERY_S = 60.0  # how often whoever keeps the house should call forget_old


class ReferenceQueue:
    """A queue on ``store``; ``clock`` gives its time, ``rng`` the jitter.

    ``call`` carries out one command. A command that makes no sense is answered with
    ``Refused`` and changes nothing. ``retention_s`` is how long completed jobs and
    idempotency keys are remembered, and so the window in which duplicates are known.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        rng: Random,
        decisions: Decisions = CORRECT,
        retention_s: float = RETENTION_S,
    ) -> None:
        self.store = decisions.stored(store)
        self.now = decisions.time(clock, _last_time(store))
        self._rng = rng
        self._decide = decisions
        self._retention_s = retention_s
        self._monotonic = clock.monotonic
        self._forget_at = clock.monotonic() + FORGET_EVERY_S
        self._tally = Tally()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """The store's, if it can undo: what it does not commit is not counted either."""
        kept = self._tally.kept()
        try:
            with self.store.transaction():
                yield
        except BaseException:
            self._tally.put_back(kept)
            raise

    def call(self, command: Command) -> Reply:
        match command:
            case Enqueue():
                return self.enqueue(command.job)
            case Lease():
                return self.lease(command.worker, command.queues, command.lease_s)
            case Ack():
                return self._settle(
                    "ack",
                    "acked",
                    command.job_id,
                    lambda r, now: self._decide.ack(r, command.token, now),
                )
            case Nack():
                return self._settle(
                    "nack",
                    "permanent" if command.permanent else "failed",
                    command.job_id,
                    lambda r, now: self._decide.nack(
                        r, command.token, command.error, command.permanent, now, self._rng
                    ),
                )
            case Extend():
                if not command.lease_s > 0:
                    self._tally.count("refused", cause="extend")
                    return Refused(f"expected lease_s above 0 seconds, found {command.lease_s}")
                return self._settle(
                    "extend",
                    "extended",
                    command.job_id,
                    lambda r, now: self._decide.extend(r, command.token, command.lease_s, now),
                )
            case Release():
                return self._settle(
                    "release",
                    "handed_back",
                    command.job_id,
                    lambda r, now: self._decide.release(r, command.token, now),
                )
            case ListDead():
                return self.dead_letters(command.queue, command.reason, command.limit)
            case Replay():
                return self.replay(command.job_ids, command.tokens)
            case Inspect():
                record = self.store.get(command.job_id)
                if record is None:
                    return Inspected(None)
                return Inspected(record.state, record.token, record.reason)
            case Measure():
                return self.measure()

    def enqueue(self, job: Job) -> Reply:
        """Accept a job; a repeated id is held once and answered ``created=False``.

        Where several processes share a store, each of them may find room for one job more.
        """
        if fault := self._decide.unfit(job):
            self._tally.count("refused", job.queue, "enqueue")
            return Refused(fault)
        bounded = job.max_waiting is not None and self.store.get(job.id) is None
        if bounded and (fault := self._decide.full(job, self.store.waiting(job.queue))):
            self._tally.count("refused", job.queue, "full")
            return Refused(fault)
        created = self.store.insert(self._decide.admit(job, self.now()))
        self._tally.count("enqueued" if created else "enqueue_repeated", job.queue)
        return Enqueued(created)

    def lease(self, worker: str, queues: tuple[str, ...], lease_s: float) -> Reply:
        """Hand out the next ready job of ``queues`` for ``lease_s`` seconds, or none."""
        if not lease_s > 0:
            self._tally.count("refused", cause="lease")
            return Refused(f"expected lease_s above 0 seconds, found {lease_s}")
        with self.store.transaction():
            now = self.now()
            self._tally.asked(worker, queues, now)
            self.reap(now)
            while candidate := self.store.next_ready(queues, now):
                key = candidate.job.key
                if key is not None and self.store.key_done(key):
                    skipped = self._decide.skip(candidate, now)
                    if self.store.swap(candidate, skipped):
                        self._tally.moved(candidate, skipped, "duplicate", now)
                    continue
                leased = self._decide.lease(candidate, worker, lease_s, now)
                if self._store(candidate, leased, "leased", now):
                    return Leased(
                        Delivery(leased.job, leased.token, leased.token, leased.lease_until - now)
                    )
        return Leased(None)

    def reap(self, now: float | None = None) -> int:
        """Take back every expired lease; how many there were."""
        now = self.now() if now is None else now
        expired = self.store.expired(now)
        for record in expired:
            successor = self._decide.reap(record, now, self._rng)
            self._store(record, successor, "timed_out" if overran(record) else "lease_expired", now)
        return len(expired)

    def dead_letters(self, queue: str | None, reason: str | None, limit: int) -> DeadLetters:
        letters = [
            dead_letter(record)
            for record in self.store.dead()
            if (queue is None or record.job.queue == queue)
            and (reason is None or reason in record.reason)
        ]
        return DeadLetters(tuple(letters[: max(0, limit)]))

    def replay(self, job_ids: tuple[str, ...], tokens: tuple[int, ...] = ()) -> Replayed:
        """Put dead letters back to ready; which ones were. Others are left as they are.

        ``tokens``: the delivery that each died of; one that died of another is another matter.
        """
        replayed = []
        died_of = dict(zip(job_ids, tokens, strict=False))
        with self.store.transaction():
            now = self.now()
            for job_id in job_ids:
                record = self.store.get(job_id)
                if record and died_of.get(job_id, 0) not in (0, record.token):
                    continue
                successor = record and self._decide.replay(record, now).successor
                if record and successor and self._store(record, successor, "replayed", now):
                    replayed.append(job_id)
        return Replayed(tuple(replayed))

    def keep_house(self) -> None:
        """Forget what is old, now and then: to be called often by whoever owns the queue."""
        now = self._monotonic()
        if now >= self._forget_at:
            self._forget_at = now + FORGET_EVERY_S
            self.forget_old()

    def forget_old(self) -> int:
        """Drop completed jobs and keys older than the retention; how many jobs went."""
        now = self.now()
        self._tally.forget(now)
        return self.store.forget(now - self._retention_s)

    def measure(self) -> Measured:
        now = self.now()
        tally = self._tally
        depths = tuple(self.store.depths(now))
        return Measured(depths, tally.totals(), tally.counts(), tally.usage(now))

    def _settle(
        self, command: str, why: str, job_id: str, decide: Callable[[Record, float], Ruling]
    ) -> Settled:
        while True:
            record = self.store.get(job_id)
            if record is None:
                self._tally.count("refused", cause=command)
                return Settled(False, f"no job {job_id!r} is held")
            now = self.now()
            ruling = decide(record, now)
            if ruling.successor is None:
                event = "settled_again" if ruling.accepted else "refused"
                self._tally.count(event, record.job.queue, "" if ruling.accepted else command)
            elif not self._store(record, ruling.successor, why, now):
                continue
            return Settled(ruling.accepted, ruling.why)

    def _store(self, old: Record, new: Record, why: str, now: float) -> bool:
        completes = new.state == self._decide.key_recorded_at
        if not self.store.swap(old, new, new.job.key if completes else None):
            return False
        self._tally.moved(old, new, why, now)
        return True


def _last_time(store: Store) -> float | None:
    """The last time that the store tells of: a job came, was handed out, or ended."""
    times = [store.last_change_at(), *(record.started_at for record in store.expired(inf))]
    return max((at for at in times if at is not None), default=None)
