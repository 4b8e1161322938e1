"""The reference queue: carries out the core's decisions on a store.

This is the only place that reads the clock and draws random numbers, both injected, so
the same queue runs under virtual time and in a broker. It decides nothing itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf
from random import Random

from msgspec.structs import replace

from ...protocol.clock import Clock
from ...protocol.commands import (
    Ack,
    Command,
    DeadLetter,
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
from .claiming import Claiming, is_shared
from .core import CORRECT, Decisions, Ruling, dead_letter, overran, set_aside, unfit_lease
from .record import Record
from .stores.store import Store
from .tally import Tally

RETENTION_S = 86_400.0
DEAD_AT_ONCE = 500  # so many are looked at in one go
FORGET_EVERY_S = 60.0  # how often whoever keeps the house should call forget_old


class ReferenceQueue:
    """A queue on ``store``; ``clock`` gives its time, ``rng`` the jitter.

    ``call`` carries out one command. A command that makes no sense is answered with
    ``Refused`` and changes nothing. ``retention_s`` is how long completed jobs and
    idempotency keys are remembered, and so the window in which duplicates are known.
    Whoever lets others wait for jobs sets ``on_ready``, and is told of each queue in which one
    has become ready, or will be after a delay; whoever has frames to fill sets ``page_bytes``,
    and dead letters come in pages of about that size.
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
        # Whoever alters a step of a lease must go through each of them.
        as_it_is = (
            self.store is store
            and decisions.lease is CORRECT.lease
            and decisions.key_recorded_at == CORRECT.key_recorded_at
        )
        self._claiming = Claiming(store) if as_it_is and is_shared(store) else None
        self.now = decisions.time(clock, _last_time(store))
        self._rng = rng
        self._decide = decisions
        self._retention_s = retention_s
        self._monotonic = clock.monotonic
        self._behind_s = clock.behind_s
        self._forget_at = clock.monotonic() + FORGET_EVERY_S
        self._tally = Tally()
        self.on_ready: Callable[[str], object] | None = None
        self.page_bytes = inf

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """The store's, if it can undo: what it does not commit is not counted either."""
        self._tally.begin()
        try:
            with self.store.transaction():
                yield
        except BaseException:
            self._tally.put_back()
            raise
        self._tally.keep()

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
                return self.dead_letters(command)
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
            self._tally.refused(job.queue, "enqueue")
            return Refused(fault)
        bounded = job.max_waiting is not None and self.store.get(job.id) is None
        if bounded and (fault := self._decide.full(job, self.store.waiting(job.queue))):
            self._tally.refused(job.queue, "full")
            return Refused(fault)
        now = self.now()
        created = self.store.insert(self._in_full(self._decide.admit(job, now), now))
        self._tally.count("enqueued" if created else "enqueue_repeated", job.queue)
        if created and self.on_ready:
            self.on_ready(job.queue)
        return Enqueued(created)

    def lease(self, worker: str, queues: tuple[str, ...], lease_s: float) -> Reply:
        """Hand out the next ready job of ``queues`` for ``lease_s`` seconds, or none."""
        if fault := unfit_lease(worker, lease_s):
            self._tally.count("refused", cause="lease")
            return Refused(fault)
        with self.store.transaction():
            now = self.now()
            self._tally.asked(worker, queues, now)
            if self._claiming:
                return self._claim(self._claiming, worker, queues, lease_s, now)
            self.reap(now)
            while candidate := self.store.next_ready(queues, now):
                if candidate.remains:
                    self._set_aside(candidate, now)
                    continue
                key = candidate.job.key
                if key is not None and self.store.key_done(key):
                    self._skip(candidate, now)
                    continue
                leased = self._decide.lease(candidate, worker, lease_s, now)
                if self._store(candidate, leased, "leased", now):
                    return _handed_out(leased, now)
        return Leased(None)

    def _claim(
        self, claiming: Claiming, worker: str, queues: tuple[str, ...], lease_s: float, now: float
    ) -> Reply:
        taken = claiming.next(
            queues,
            now,
            lambda expired: self._take_back(expired, now),
            lambda record: self._in_full(self._decide.lease(record, worker, lease_s, now), now),
            lambda record: self._skip(record, now),
            lambda record: self._set_aside(record, now),
        )
        if taken is None:
            return Leased(None)
        self._tally.moved(taken.record, taken.leased, "leased", now)
        claiming.remember(taken.leased)
        return _handed_out(taken.leased, now + self._behind_s())

    def _set_aside(self, record: Record, now: float) -> None:
        self._store(record, set_aside(record, now), "permanent", now)

    def _skip(self, record: Record, now: float) -> None:
        skipped = self._decide.skip(record, now)
        if self.store.swap(record, skipped):
            self._tally.moved(record, skipped, "duplicate", now)

    def reap(self, now: float | None = None) -> int:
        """Take back every expired lease; how many there were."""
        now = self.now() if now is None else now
        return self._take_back(self.store.expired(now), now)

    def _take_back(self, expired: list[Record], now: float) -> int:
        for record in expired:
            successor = self._decide.reap(record, now, self._rng)
            self._store(record, successor, "timed_out" if overran(record) else "lease_expired", now)
        return len(expired)

    def dead_letters(self, asked: ListDead) -> Reply:
        """A page of them: all, unless somebody has set how large a page is."""
        try:
            after = _place(asked.after)
        except ValueError:
            return Refused(f"expected 'after' as an answer gave it, found {asked.after!r}")
        letters: list[DeadLetter] = []
        size, most = 0, max(0, asked.limit)
        records = None
        while records is None or len(records) == DEAD_AT_ONCE:
            records = self.store.dead(after, DEAD_AT_ONCE)
            for record in records:
                if len(letters) >= most:
                    return DeadLetters(tuple(letters))
                if _asked_for(record, asked):
                    letter = dead_letter(record)
                    size += _size(letter)
                    if letters and size > self.page_bytes:
                        return DeadLetters(tuple(letters), f"{after[0]!r}:{after[1]}")
                    letters.append(letter)
                after = record.ended_at, record.sequence
            if self.page_bytes < inf and len(records) == DEAD_AT_ONCE:  # others want their turn
                return DeadLetters(tuple(letters), f"{after[0]!r}:{after[1]}")
        return DeadLetters(tuple(letters))

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
        depths = tally.depths(self.store.depths(now))
        return Measured(depths, tally.totals(), tally.counts(), tally.usage(now))

    def _settle(
        self, command: str, why: str, job_id: str, decide: Callable[[Record, float], Ruling]
    ) -> Settled:
        recalled = self._claiming and self._claiming.recall(job_id)
        while True:
            record = recalled or self.store.get(job_id)
            if record is None:
                self._tally.count("refused", cause=command)
                return Settled(False, f"no job {job_id!r} is held")
            now = self.now()
            ruling = decide(record, now)
            if recalled and ruling.successor is None:
                recalled = None
                continue
            recalled = None
            if ruling.successor is None:
                event = "settled_again" if ruling.accepted else "refused"
                self._tally.count(event, record.job.queue, "" if ruling.accepted else command)
            elif not (stored := self._store(record, ruling.successor, why, now)):
                continue
            elif self._claiming and stored.state == "leased":
                self._claiming.remember(stored)
            return Settled(ruling.accepted, ruling.why)

    def _store(self, old: Record, new: Record, why: str, now: float) -> Record | None:
        """The new record as it is kept now; None if somebody was faster."""
        completes = new.state == self._decide.key_recorded_at
        new = self._in_full(new, now, old)
        if not self.store.swap(old, new, new.job.key if completes else None):
            return None
        self._tally.moved(old, new, why, now)
        if self.on_ready and new.state == "ready":
            self.on_ready(new.job.queue)
        return new

    def _in_full(self, new: Record, now: float, old: Record | None = None) -> Record:
        """A lease, a delay or a backoff that begins now, as long as it must be by every clock.

        Ours may be behind that of the server, by which others judge whether it is over; theirs is
        never ahead.
        """
        behind_s = self._behind_s()
        if not behind_s:
            return new
        if new.state == "leased" and not (old and old.lease_until >= new.lease_until):
            return replace(new, lease_until=new.lease_until + behind_s)
        if new.state == "ready" and new.ready_at > now:
            return replace(new, ready_at=new.ready_at + behind_s)
        return new


def _asked_for(record: Record, asked: ListDead) -> bool:
    if asked.queue is not None and record.job.queue != asked.queue:
        return False
    return asked.reason is None or asked.reason in record.reason


def _place(after: str) -> tuple[float, int]:
    """The place behind which a page begins. Raises ValueError for what no answer gave."""
    ended_at, _, sequence = after.partition(":")
    return (float(ended_at), int(sequence)) if after else (-inf, 0)


def _size(letter: DeadLetter) -> int:
    """About how many bytes it takes on the wire."""
    texts = (letter.reason, letter.job.id, *(attempt.error for attempt in letter.attempts))
    return 1000 + len(letter.job.payload) + 4 * sum(map(len, texts))


def _handed_out(record: Record, now: float) -> Leased:
    lease_s = record.lease_until - now
    return Leased(Delivery(record.job, record.token, record.token, lease_s))


def _last_time(store: Store) -> float | None:
    """The last time that the store tells of: a job came, was handed out, or ended."""
    times = [store.last_change_at(), *(record.started_at for record in store.expired(inf))]
    return max((at for at in times if at is not None), default=None)
