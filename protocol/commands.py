"""The vocabulary that a harness and a queue share: jobs, commands, replies.

Plain data only. A command is what a node asks of a queue, a reply is what the queue
answers; the reference queue's wire format, the simulator's network and the network
proxy all speak in these words. Nothing here decides anything.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from ..errors import ProtocolError

Jitter = Literal["none", "full", "equal", "decorrelated"]
State = Literal["ready", "leased", "done", "dead"]
HELD: tuple[State, ...] = ("ready", "leased")  # in these a queue has still to do with a job


class RetryPolicy(Struct, frozen=True, array_like=True):
    """Exponential backoff: ``base_s * factor**n``, at most ``cap_s`` seconds, with jitter.

    The three jitters are those of "Exponential Backoff and Jitter" (AWS Architecture
    Blog, 2015): full draws from [0, d], equal from [d/2, d], decorrelated from
    [base, 3 * previous delay]. ``none`` retries in lockstep and is there to show why not.
    """

    base_s: float = 0.5
    factor: float = 2.0
    cap_s: float = 60.0
    jitter: Jitter = "full"


class Job(Struct, frozen=True):
    """One unit of work.

    ``id`` makes an enqueue repeatable; ``key`` (idempotency key) names the effect.
    ``delay_s`` and ``timeout_s`` are seconds; a higher ``priority`` (within a
    million of 0) goes first. ``max_deliveries`` bounds how often the job is handed out,
    crashes included. ``max_waiting`` asks the queue to refuse the job if that many others
    wait in it already (None: it never does).
    """

    id: str
    queue: str = "default"
    payload: bytes = b""
    key: str | None = None
    priority: int = 0
    delay_s: float = 0.0
    max_deliveries: int = 5
    timeout_s: float = 300.0
    retry: RetryPolicy = RetryPolicy()
    max_waiting: int | None = None


class Delivery(Struct, frozen=True):
    """One hand-over of a job: run it until the lease ends, settle it with the token.

    ``lease_s`` is how long the lease lasts from the moment the queue answered;
    ``number`` counts this job's deliveries from 1.
    """

    job: Job
    token: int
    number: int
    lease_s: float


class Attempt(Struct, frozen=True):
    """What became of one delivery, kept with the job (times on the queue's clock)."""

    number: int
    worker: str
    started_at: float
    ended_at: float
    error: str


class DeadLetter(Struct, frozen=True):
    """A job given up on: why, when, and what each attempt ended with."""

    job: Job
    reason: str
    died_at: float
    attempts: tuple[Attempt, ...]


class Depth(Struct, frozen=True):
    """How many jobs of one queue are in one state, and the age in seconds of the oldest.

    ``waiting`` of the ready ones are due: nothing but a free worker is missing. The one that
    has been due the longest has waited ``waiting_s`` seconds. None: the queue cannot tell.
    """

    queue: str
    state: State
    count: int
    oldest_s: float
    waiting: int | None = None
    waiting_s: float = 0.0


class Count(Struct, frozen=True):
    """How often something happened in one queue, since the queue's process started.

    Events: ``enqueued``, ``enqueue_repeated``, ``leased``, ``extended``, ``completed``,
    ``handed_back``, ``replayed``, ``duplicates_skipped``, ``settled_again`` (the repetition
    of an accepted word). With a cause: ``retried`` (``failed``, ``lease_expired``,
    ``timed_out``), ``leases_expired`` (``lease_expired``, ``timed_out``), ``dead_lettered``
    (``permanent``, ``exhausted``), ``refused`` (the command's name). The queue is empty if
    a refused command named none that is known.
    """

    queue: str
    event: str
    cause: str
    count: int


class Usage(Struct, frozen=True):
    """What the workers of one queue do.

    ``busy_s`` is for how many seconds deliveries were held, counted when each ends;
    ``workers`` how many are known: they asked for work not long ago, or hold some.
    """

    queue: str
    busy_s: float
    workers: int


# -- commands ---------------------------------------------------------------------------


class Enqueue(Struct, frozen=True, tag="enqueue"):
    job: Job


class Lease(Struct, frozen=True, tag="lease"):
    """Ask for the next ready job of ``queues``; wait up to ``wait_s`` seconds for one."""

    worker: str
    queues: tuple[str, ...]
    lease_s: float
    wait_s: float = 0.0


class Ack(Struct, frozen=True, tag="ack"):
    job_id: str
    token: int


class Nack(Struct, frozen=True, tag="nack"):
    job_id: str
    token: int
    error: str
    permanent: bool = False


class Extend(Struct, frozen=True, tag="extend"):
    job_id: str
    token: int
    lease_s: float


class Release(Struct, frozen=True, tag="release"):
    """Hand a job back unfinished (graceful shutdown): no failure, no backoff."""

    job_id: str
    token: int


class ListDead(Struct, frozen=True, tag="dead"):
    """Dead letters, oldest first, filtered by queue and by a part of the reason.

    ``after`` is what the answer to the page before gave as ``next``.
    """

    queue: str | None = None
    reason: str | None = None
    limit: int = 1000
    after: str = ""


class Replay(Struct, frozen=True, tag="replay"):
    """Put these dead letters back with a fresh delivery budget.

    ``tokens`` name the delivery that each of them died of: one that was replayed and died
    again meanwhile is left alone, so that a replay may be repeated. None or 0: any death.
    """

    job_ids: tuple[str, ...]
    tokens: tuple[int, ...] = ()


class Inspect(Struct, frozen=True, tag="inspect"):
    job_id: str


class Measure(Struct, frozen=True, tag="measure"):
    """Depth and oldest age by queue and state, and what was counted since the start."""


Command = Enqueue | Lease | Ack | Nack | Extend | Release | ListDead | Replay | Inspect | Measure


# -- replies ----------------------------------------------------------------------------


class Enqueued(Struct, frozen=True, tag="enqueued"):
    """The job is held durably; ``created`` is False if its id was held already."""

    created: bool


class Leased(Struct, frozen=True, tag="leased"):
    delivery: Delivery | None


class Settled(Struct, frozen=True, tag="settled"):
    """Answer to ack, nack, extend and release. Not accepted: the token is not current."""

    accepted: bool
    why: str = ""


class DeadLetters(Struct, frozen=True, tag="dead_letters"):
    """A page of them. ``next``: where the next one begins; empty if this was the last."""

    letters: tuple[DeadLetter, ...]
    next: str = ""


class Replayed(Struct, frozen=True, tag="replayed"):
    job_ids: tuple[str, ...]


class Inspected(Struct, frozen=True, tag="inspected"):
    """``where`` says in the library's own words what holds the job, or what it has recorded of it.

    ``due_s``: in how many seconds that gives the job back by itself; None: it does not say.
    """

    state: State | None
    deliveries: int = 0
    reason: str = ""
    where: str = ""
    due_s: float | None = None


class Measured(Struct, frozen=True, tag="measured"):
    """``counters`` sums ``counts`` over queues and causes; only depths outlive a restart.

    ``counts`` or ``usage`` None: the queue does not count that. ``due_s``: nothing is ready, and
    the first of what is leased comes back by itself in so many seconds; None: who knows.
    """

    depths: tuple[Depth, ...]
    counters: dict[str, int]
    counts: tuple[Count, ...] | None = None
    usage: tuple[Usage, ...] | None = None
    due_s: float | None = None


class Refused(Struct, frozen=True, tag="refused"):
    """The command itself was bad; the queue did nothing. One sentence says why."""

    error: str


class Failed(Struct, frozen=True, tag="failed"):
    """The queue's server answered with an error, in these words. Nobody knows what it did.

    ``environment``: the queue is not to blame, since its server lacks what it needs: memory,
    disk, connections, a password.
    """

    error: str
    environment: bool = False


Reply = (
    Enqueued | Leased | Settled | DeadLetters | Replayed | Inspected | Measured | Refused | Failed
)


class Unanswered(ProtocolError):
    """No answer came in time: the call may or may not have taken effect."""


class QueueError(ProtocolError):
    """The queue answered that the command was bad; it had no effect."""
