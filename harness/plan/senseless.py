"""Commands that make no sense, by name: a queue refuses each of them, and nothing changes.

One that carries such a command out has done something that nobody asked for: it holds a job that
cannot run, or took the word of somebody who has no job. The contract says them in conversations;
in a plan somebody says them while the others work.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf, nan

from msgspec.structs import replace

from ...backends.claims import Claim
from ...protocol.commands import (
    Ack,
    Command,
    Enqueue,
    Enqueued,
    Extend,
    Job,
    Lease,
    Leased,
    Nack,
    Release,
    Replayed,
    Reply,
    RetryPolicy,
    Settled,
)
from ...protocol.worker import LATE_HEARTBEAT, LATE_REPLAY

HIGHEST = 1_000_000  # the priorities that a job may have: see Job
STRANGE = "never enqueued"
NO_DELIVERY, NEVER_DELIVERED = 0, 1_000_000_000  # tokens of nobody
LEASE_S = 10.0

JOBS = {
    "no id": Job(""),
    "no delivery": Job("a", max_deliveries=0),
    "a priority that is too high": Job("a", priority=HIGHEST + 1),
    "a priority that is too low": Job("a", priority=-HIGHEST - 1),
    "a timeout of 0 s": Job("a", timeout_s=0.0),
    "a delay below 0 s": Job("a", delay_s=-1.0),
    "none that may wait": Job("a", max_waiting=0),
    "a pause below 0 s": Job("a", retry=RetryPolicy(base_s=-1.0)),
    "a pause without a number": Job("a", retry=RetryPolicy(base_s=nan)),
    "a pause without end": Job("a", retry=RetryPolicy(base_s=inf)),
    "a pause that shrinks": Job("a", retry=RetryPolicy(factor=0.5)),
    "a factor without end": Job("a", retry=RetryPolicy(factor=inf)),
    "a cap below 0 s": Job("a", retry=RetryPolicy(cap_s=-1.0)),
    "a cap without end": Job("a", retry=RetryPolicy(cap_s=inf)),
}
WORDS: dict[str, Callable[[str, int], Command]] = {
    "ack": Ack,
    "nack": lambda job_id, token: Nack(job_id, token, "it broke"),
    "permanent failure": lambda job_id, token: Nack(job_id, token, "it is gone", permanent=True),
    "extension": lambda job_id, token: Extend(job_id, token, LEASE_S),
    "release": Release,
}
WHOSE = {
    "of a strange job": (False, 1),
    "without a delivery": (True, NO_DELIVERY),
    "of a delivery to come": (True, NEVER_DELIVERED),
}
LENGTHS_S = {"a lease of no length": 0.0, "a lease of less than no length": -1.0}
NAMES = (
    *(f"a job with {what}" for what in JOBS),
    *(f"the {word} {whose}" for word in WORDS for whose in WHOSE),
    *LENGTHS_S,
)
LATE: dict[str, tuple[Claim, ...]] = {  # what a worker says behind its ack, and what it relies on
    LATE_HEARTBEAT: ("delivery", "fencing"),
    LATE_REPLAY: ("dead_letters",),
}
ALL_NAMES = (*NAMES, *LATE)  # in the order of their numbers in a ledger: only ever add to its end


def senseless(name: str, job_id: str, queue: str) -> Command:
    """The command of that name, about this job where it is about one. Raises KeyError."""
    if name in LENGTHS_S:
        return Lease("nobody", (queue,), LENGTHS_S[name])
    if job := JOBS.get(name.removeprefix("a job with ")):
        return Enqueue(replace(job, id=job.id and f"{job_id} with {name}", queue=queue))
    word, whose = _parts(name)
    known, token = WHOSE[whose]
    return WORDS[word](job_id if known else f"{job_id}, {STRANGE}", token)


def taken(reply: Reply) -> bool:
    """Whether the queue did what a command of these asked for."""
    if isinstance(reply, Replayed):
        return bool(reply.job_ids)
    return isinstance(reply, Enqueued | Leased) or (isinstance(reply, Settled) and reply.accepted)


def relied_on(name: str) -> tuple[Claim, ...]:
    """The claims without which a queue need not see that the command makes no sense."""
    if name in LENGTHS_S:
        return ("delivery",)
    if name in LATE:
        return LATE[name]
    job = JOBS.get(name.removeprefix("a job with "))
    return asks_for(job) if job else ("delivery", "fencing")


def asks_for(job: Job) -> tuple[Claim, ...]:
    """The claims that a queue must make to look at what is unusual in the job."""
    plain = Job(job.id)
    fields: dict[str, Claim] = {
        "priority": "priorities",
        "delay_s": "delays",
        "timeout_s": "timeouts",
        "retry": "retries",
        "max_deliveries": "bounded_deliveries",
        "max_waiting": "bounded_backlog",
    }
    return tuple(
        claim for name, claim in fields.items() if getattr(job, name) != getattr(plain, name)
    )


def _parts(name: str) -> tuple[str, str]:
    """Which word it is, and whose."""
    for whose in WHOSE:
        if name.endswith(whose):
            return name.removeprefix("the ").removesuffix(f" {whose}"), whose
    raise KeyError(name)
