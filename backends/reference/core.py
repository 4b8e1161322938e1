"""Every decision of the reference queue: which record follows from which command, when.

Pure functions from a record to its successor. No I/O, no clock, no randomness of their
own: ``now`` (seconds) and ``rng`` are arguments. Stores never decide, and nothing else
in the package repeats a decision made here. ``Decisions`` bundles the functions so that
a broken twin can be the correct queue with exactly one of them replaced.

    ready --lease--> leased --ack--> done
      ^                | nack, lease expired: deliveries left --> ready (after backoff)
      |                |                      none left, or permanent --> dead
      +----replay------+--------------------------------------------------- dead
"""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec.structs import replace

from ...protocol.clock import Clock, ReadClock, anchored
from ...protocol.commands import Attempt, DeadLetter, Job, State
from .backoff import delay_s
from .record import Record

if TYPE_CHECKING:
    from .stores.store import Store

ATTEMPTS_KEPT = 50
HIGHEST_PRIORITY = 1_000_000
# A job with everything that is told of it must fit into an answer: see broker/wire.py.
LONGEST_NAME = 8192
LONGEST_WORKER = 255
LONGEST_ERROR = 4000


class Ruling(NamedTuple):
    """What to store (None: nothing changes), whether to say yes, and why not."""

    successor: Record | None
    accepted: bool
    why: str = ""


def _next(record: Record, **changes: Any) -> Record:
    return replace(record, version=record.version + 1, **changes)


def unfit(job: Job) -> str | None:
    """Why this job cannot be accepted, in one sentence, or None."""
    if not job.id:
        return "expected a job id, found an empty one; give each job a unique id"
    for what, name in (("id", job.id), ("queue", job.queue), ("key", job.key or "")):
        if len(name) > LONGEST_NAME:
            return (
                f"expected a job's {what} of at most {LONGEST_NAME} characters, "
                f"found {len(name)}; choose a shorter one"
            )
    if job.max_waiting is not None and job.max_waiting < 1:
        return f"expected max_waiting of at least 1, found {job.max_waiting}"
    if job.max_deliveries < 1:
        return f"expected max_deliveries of at least 1, found {job.max_deliveries}"
    if abs(job.priority) > HIGHEST_PRIORITY:
        return f"expected a priority within {HIGHEST_PRIORITY} of 0, found {job.priority}"
    if not job.timeout_s > 0 or not job.delay_s >= 0:
        return (
            "expected timeout_s above 0 and delay_s of at least 0 seconds, "
            f"found {job.timeout_s} and {job.delay_s}"
        )
    retry = job.retry
    finite = isfinite(retry.base_s) and isfinite(retry.cap_s) and isfinite(retry.factor)
    if not (finite and retry.base_s >= 0 and retry.cap_s >= 0 and retry.factor >= 1):
        return (
            "expected a retry policy with base_s, cap_s >= 0 and factor >= 1, all finite, "
            f"found {retry.base_s}, {retry.cap_s} and {retry.factor}"
        )
    return None


def unfit_lease(worker: str, lease_s: float) -> str | None:
    """Why nothing can be handed out to who asks so, in one sentence, or None."""
    if not lease_s > 0:
        return f"expected lease_s above 0 seconds, found {lease_s}"
    if len(worker) > LONGEST_WORKER:
        return (
            f"expected a worker's name of at most {LONGEST_WORKER} characters, found {len(worker)}"
        )
    return None


def full(job: Job, waiting: int) -> str | None:
    """Why the job is refused while ``waiting`` others wait in its queue, None if it is not."""
    if job.max_waiting is None or waiting < job.max_waiting:
        return None
    return (
        f"the queue {job.queue!r} is full: {waiting} jobs wait and {job.max_waiting} may; "
        "nothing was accepted, enqueue it again later"
    )


def admit(job: Job, now: float) -> Record:
    """The first record of a job that was just accepted."""
    return Record(job=job, state="ready", enqueued_at=now, ready_at=now + job.delay_s)


def lease(record: Record, worker: str, lease_s: float, now: float) -> Record:
    """Hand the job out: a new token, and a lease no longer than the job's timeout."""
    return _next(
        record,
        state="leased",
        token=record.token + 1,
        worker=worker,
        started_at=now,
        lease_until=now + min(lease_s, record.job.timeout_s),
    )


def _standing(record: Record, token: int, now: float) -> Ruling | None:
    """Whether the holder of ``token`` may still speak for the job; None means it may."""
    if record.remains:
        return Ruling(None, False, f"the record of this job cannot be read: {record.reason}")
    if token == record.settled_token and token > 0:
        return Ruling(None, True, "already settled by this delivery")
    if token != record.token:
        return Ruling(None, False, f"fenced: token {token} is not the current {record.token}")
    if record.state != "leased":
        return Ruling(None, False, f"the lease of token {token} has ended")
    if now >= record.lease_until:
        return Ruling(None, False, f"the lease of token {token} has expired")
    return None


def ack(record: Record, token: int, now: float) -> Ruling:
    """The delivery succeeded. The store records the idempotency key in the same commit."""
    if refusal := _standing(record, token, now):
        return refusal
    return Ruling(_next(record, state="done", settled_token=token, ended_at=now), True)


def nack(
    record: Record, token: int, error: str, permanent: bool, now: float, rng: Random
) -> Ruling:
    """The delivery failed: retry after backoff, or give up for good."""
    if refusal := _standing(record, token, now):
        return refusal
    failed = _failed(record, error, permanent, now, rng)
    return Ruling(replace(failed, settled_token=token), True)


def extend(record: Record, token: int, lease_s: float, now: float) -> Ruling:
    """Lengthen the lease, but never past the job's timeout, so a stuck job is reaped."""
    if refusal := _standing(record, token, now):
        return refusal if not refusal.accepted else Ruling(None, False, refusal.why)
    until = min(now + lease_s, record.started_at + record.job.timeout_s)
    return Ruling(_next(record, lease_until=max(until, record.lease_until)), True)


def release(record: Record, token: int, now: float) -> Ruling:
    """Hand back unfinished: ready at once, and the delivery is not held against the job."""
    if refusal := _standing(record, token, now):
        return refusal
    back = _next(
        record,
        state="ready",
        ready_at=now,
        settled_token=token,
        forgiven=record.forgiven + 1,
        attempts=_with_attempt(record, "handed back", now),
    )
    return Ruling(back, True)


def reap(record: Record, now: float, rng: Random) -> Record:
    """The lease ran out: the worker crashed, stalled, or overran the job's timeout."""
    if record.remains:
        return set_aside(record, now)
    error = (
        f"timed out after {record.job.timeout_s:g} s"
        if overran(record)
        else "lease expired: the worker crashed or stalled"
    )
    return _failed(record, error, False, now, rng)


def overran(record: Record) -> bool:
    """Whether a lease that ran out had lasted for the whole of the job's timeout.

    Compared as times, which are made by this very sum: the difference of two times of day
    is off by a rounding, and would tell a timeout as a crash.
    """
    return record.lease_until >= record.started_at + record.job.timeout_s


def skip(record: Record, now: float) -> Record:
    """Another job with this idempotency key has completed: done without a delivery."""
    return _next(record, state="done", ended_at=now, reason="duplicate of a completed key")


def set_aside(record: Record, now: float) -> Record:
    """Its record cannot be read: nobody knows what to run, and the queue goes on without it."""
    reason = (
        f"set aside: the record of job {record.job.id!r} cannot be read ({record.reason}); "
        f"its {len(record.remains)} bytes are kept, and it is not run"
    )
    return _next(record, state="dead", ended_at=now, reason=reason)


def replay(record: Record, now: float) -> Ruling:
    """Back from the dead letters with a fresh budget; its history stays with it."""
    if record.remains:
        return Ruling(None, False, "its record cannot be read; enqueue the job under another id")
    if record.state != "dead":
        return Ruling(None, False, f"the job is {record.state}, not dead")
    back = _next(
        record, state="ready", ready_at=now, forgiven=record.token, backoff_s=0.0, reason=""
    )
    return Ruling(back, True)


def dead_letter(record: Record) -> DeadLetter:
    return DeadLetter(record.job, record.reason, record.ended_at, record.attempts)


def _with_attempt(record: Record, error: str, now: float) -> tuple[Attempt, ...]:
    attempt = Attempt(record.token, record.worker, record.started_at, now, error)
    return (*record.attempts, attempt)[-ATTEMPTS_KEPT:]


def _failed(record: Record, error: str, permanent: bool, now: float, rng: Random) -> Record:
    if len(error) > LONGEST_ERROR:
        error = f"{error[:LONGEST_ERROR]}... (cut, of {len(error)} characters)"
    attempts = _with_attempt(record, error, now)
    used = record.deliveries_counted
    if permanent or used >= record.job.max_deliveries:
        why = f"permanent: {error}" if permanent else f"gave up after {used} deliveries: {error}"
        return _next(record, state="dead", ended_at=now, reason=why, attempts=attempts)
    wait_s = delay_s(record.job.retry, used, record.backoff_s, rng)
    return _next(record, state="ready", ready_at=now + wait_s, backoff_s=wait_s, attempts=attempts)


def stored(store: Store) -> Store:
    """The store as the queue uses it: as it is, each step of it whole or not done."""
    return store


class Decisions(NamedTuple):
    """The core as a value: the correct queue, or a twin with one decision replaced.

    ``key_recorded_at`` says when an idempotency key counts as done: with the completion
    (correct), or already with the lease, or never (twins' mistakes). ``time`` makes the queue's
    time of the clocks that are there and the last time in the store. ``stored`` is asked for
    a store anew whenever the queue's process starts, so a twin can keep in memory what should
    be in the store, and lose it when that process dies.
    """

    full: Callable[[Job, int], str | None] = full
    admit: Callable[[Job, float], Record] = admit
    lease: Callable[[Record, str, float, float], Record] = lease
    ack: Callable[[Record, int, float], Ruling] = ack
    nack: Callable[[Record, int, str, bool, float, Random], Ruling] = nack
    extend: Callable[[Record, int, float, float], Ruling] = extend
    release: Callable[[Record, int, float], Ruling] = release
    reap: Callable[[Record, float, Random], Record] = reap
    skip: Callable[[Record, float], Record] = skip
    replay: Callable[[Record, float], Ruling] = replay
    key_recorded_at: State | None = "done"
    time: Callable[[Clock, float | None], ReadClock] = anchored
    stored: Callable[[Store], Store] = stored
    unfit: Callable[[Job], str | None] = unfit


CORRECT = Decisions()
