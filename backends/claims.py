"""Claims: what a system promises. Checks hold it to no more than that."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

Claim = Literal[
    "delivery", "fencing", "bounded_deliveries", "dead_letters", "priorities",
    "idempotent_enqueue", "idempotent_settle", "skips_completed_keys", "bounded_backlog",
    "durable", "retries", "delays", "steady_time", "ordered", "timeouts", "backoff_after_expiry",
    "prompt", "lasting_leases", "extends", "durable_acks",
    "own_bounds",
]  # fmt: skip
_NOT_CLAIMED: dict[Claim, str] = {
    "delivery": "at-least-once delivery is not claimed",
    "fencing": "fencing is not claimed",
    "bounded_deliveries": "bounded deliveries are not claimed",
    "dead_letters": "dead letters are not claimed",
    "priorities": "priorities are not claimed",
    "idempotent_enqueue": "idempotent enqueues are not claimed",
    "idempotent_settle": "idempotent acks are not claimed",
    "skips_completed_keys": "to skip completed keys is not claimed",
    "bounded_backlog": "a bounded backlog is not claimed",
    "durable": "durability is not claimed",
    "retries": "retries are not claimed",
    "delays": "delays are not claimed",
    "steady_time": "steady time is not claimed",
    "ordered": "order within a queue is not claimed",
    "timeouts": "timeouts are not claimed",
    "backoff_after_expiry": "a backoff after an expired lease is not claimed",
    "prompt": "prompt hand-outs are not claimed",
    "lasting_leases": "leases that outlast a connection are not claimed",
    "extends": "to make a lease last longer is not claimed",
    "own_bounds": "a bound of deliveries for each job is not claimed",
    "durable_acks": "acks that outlive a crash of the server are not claimed",
}


class Claims(Struct, frozen=True):
    """What a backend promises; checks hold it to no more than that.

    ``caveat`` says in half a sentence what its configuration leaves open when its server
    crashes; a story of lost work quotes it. ``idempotent_settle``: an ack, nack or release
    may be repeated with the token that it was accepted under; it is accepted again and
    changes nothing. ``skips_completed_keys``: a job whose idempotency key has been completed
    is not handed out. ``bounded_backlog``: the queue honours ``Job.max_waiting``.
    ``durable``: what it acknowledged outlives a crash of its server. ``retries``: what fails
    comes back after its backoff. ``delays``: it honours ``Job.delay_s``. ``steady_time``: no
    wall clock that jumps ends a lease, a backoff or a delay sooner or later. ``ordered``: of jobs
    of one queue and one priority, one that is ready before another is enqueued goes first.
    ``timeouts``: no lease, and no extension of one, reaches past the job's timeout.
    ``backoff_after_expiry``: a job whose lease ran out waits for its backoff, as after a failure;
    else it comes back at once. ``prompt``: whoever asks for work is given a job that is ready, and
    whoever waits is woken when one becomes ready. ``lasting_leases``: a lease lasts its time even
    if its holder's connection breaks, or the server crashes; else the job comes back then, at once,
    and the word of its holder may be refused. ``extends``: a holder can make its lease last longer;
    else plans give the queue no job that works for more than half of a lease, and no worker tries
    to. ``durable_acks``: an ack, nack or release that was accepted outlives a crash of the server;
    else the job may come back as if it had not been said. ``timer_s``: the queue keeps time in
    steps of so many seconds, and each lease, delay and backoff may be over up to one step sooner
    or later.
    ``restart_s``: its server needs so many seconds to come back after a crash; a plan with one is
    as much slower. ``max_payload_bytes``: the largest payload that the queue
    takes, None: any. Plans give it none that is larger. ``retention_s``: the id of a job that was
    completed is remembered for so many seconds, and not much longer
    (:mod:`jobquake.harness.checks.retention_kept`); None: it does not say.
    """

    delivery: Literal["at-least-once", "at-most-once"] = "at-least-once"
    fencing: bool = True
    bounded_deliveries: bool = True
    dead_letters: bool = True
    priorities: bool = True
    idempotent_enqueue: bool = True
    caveat: str = ""
    idempotent_settle: bool = True
    skips_completed_keys: bool = True
    bounded_backlog: bool = True
    durable: bool = True
    retries: bool = True
    delays: bool = True
    steady_time: bool = True
    ordered: bool = True
    timeouts: bool = True
    backoff_after_expiry: bool = True
    prompt: bool = True
    lasting_leases: bool = True
    extends: bool = True
    durable_acks: bool = True
    own_bounds: bool = True
    timer_s: float = 0.0
    restart_s: float = 0.0
    max_payload_bytes: int | None = None
    retention_s: float | None = None


def unclaimed(claims: Claims, names: Iterable[Claim]) -> str:
    """Which of these are not claimed, in words ("priorities are not claimed"); "" if all are."""
    return "; ".join(_NOT_CLAIMED[name] for name in names if not _claimed(claims, name))


def _claimed(claims: Claims, name: Claim) -> bool:
    value = getattr(claims, name)
    return bool(value == "at-least-once" if name == "delivery" else value)
