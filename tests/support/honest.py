"""Queues that are correct by what they claim: the reference queue without one of its promises.

Nobody may accuse them, neither a run nor exploration nor the contract.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace as with_fields
from math import ceil, floor
from random import Random

from jobquake.backends.adapter import Claims
from jobquake.backends.built_in.reference import BACKEND as REFERENCE
from jobquake.backends.reference import core
from jobquake.backends.reference.adapter import ReferenceAdapter
from jobquake.backends.reference.altered import altered_store
from jobquake.backends.reference.core import CORRECT, Decisions, Ruling
from jobquake.backends.reference.record import Record
from jobquake.backends.reference.stores.store import Store
from jobquake.backends.reference.twins.newest_first import TWIN as NEWEST_FIRST
from jobquake.backends.reference.twins.queues_by_turns import TWIN as QUEUES_BY_TURNS
from jobquake.backends.reference.twins.repeated_ack_refused import TWIN as REPEATED_ACK_REFUSED
from jobquake.protocol.commands import Job
from msgspec.structs import replace

SMALL = 1000
Whole = Callable[[float], int]


def on_time(record: Record, now: float, rng: Random) -> Record:
    """A lease that ran out: the job is ready at once, and waits for no backoff."""
    reaped = core.reap(record, now, rng)
    return replace(reaped, ready_at=now) if reaped.state == "ready" else reaped


def gone(record: Record, now: float, rng: Random) -> Record:
    """A lease that ran out: the job is lost with its worker."""
    return replace(record, version=record.version + 1, state="done", ended_at=now)


def no_larger(job: Job) -> str | None:
    return "too large" if len(job.payload) > SMALL else core.unfit(job)


def generous(record: Record) -> Record:
    return replace(record, job=replace(record.job, max_deliveries=1_000_000_000))


def never_gives_up() -> Decisions:
    def nack(record: Record, token: int, error: str, permanent: bool, now: float, rng: Random
             ) -> Ruling:  # fmt: skip
        ruling = core.nack(generous(record), token, error, permanent, now, rng)
        if ruling.successor is None:
            return ruling
        return ruling._replace(successor=replace(ruling.successor, job=record.job))

    def reap(record: Record, now: float, rng: Random) -> Record:
        return replace(core.reap(generous(record), now, rng), job=record.job)

    return CORRECT._replace(nack=nack, reap=reap)


def forgets_the_dead(store: Store) -> Store:
    def get(job_id: str) -> Record | None:
        held = store.get(job_id)
        return None if held is None or held.state == "dead" else held

    def dead(after: object, most: int | None) -> list[Record]:
        return []

    return altered_store(store, dead=dead, get=get)


def by_whole_seconds(whole: Whole) -> Decisions:
    """Whatever is due or ends does so at a whole second."""

    def rounded(record: Record) -> Record:
        if record.state == "leased":
            return replace(record, lease_until=float(whole(record.lease_until)))
        due = record.state == "ready" and record.ready_at > record.enqueued_at
        return replace(record, ready_at=float(whole(record.ready_at))) if due else record

    def nack(record: Record, token: int, error: str, permanent: bool, now: float, rng: Random
             ) -> Ruling:  # fmt: skip
        ruling = core.nack(record, token, error, permanent, now, rng)
        return ruling._replace(successor=ruling.successor and rounded(ruling.successor))

    return CORRECT._replace(
        admit=lambda job, now: rounded(core.admit(job, now)),
        lease=lambda record, worker, lease_s, now: rounded(
            core.lease(record, worker, lease_s, now)
        ),
        nack=nack,
        reap=lambda record, now, rng: rounded(core.reap(record, now, rng)),
    )


def honest(name: str, claims: Claims, decisions: Decisions) -> ReferenceAdapter:
    return with_fields(REFERENCE, name=f"honest-{name}", claims=claims, decisions=decisions)


HONEST = {
    queue.name: queue
    for queue in (
        honest("back-at-once", Claims(backoff_after_expiry=False), CORRECT._replace(reap=on_time)),
        honest("early-by-a-second", Claims(timer_s=1.0), by_whole_seconds(floor)),
        honest("late-by-a-second", Claims(timer_s=1.0), by_whole_seconds(ceil)),
        honest(
            "small-payloads", Claims(max_payload_bytes=SMALL), CORRECT._replace(unfit=no_larger)
        ),
        honest("newest-first", Claims(ordered=False), NEWEST_FIRST.decisions),
        honest("queues-by-turns", Claims(priorities=False), QUEUES_BY_TURNS.decisions),
        honest("acks-once", Claims(idempotent_settle=False), REPEATED_ACK_REFUSED.decisions),
        honest("never-gives-up", Claims(bounded_deliveries=False), never_gives_up()),
        honest(
            "forgets-the-dead",
            Claims(dead_letters=False, idempotent_settle=False),
            CORRECT._replace(stored=forgets_the_dead),
        ),
        honest(
            "loses-with-its-worker", Claims(delivery="at-most-once"), CORRECT._replace(reap=gone)
        ),
    )
}
