"""The worker: a generator without I/O that any driver can carry out.

It yields what it wants and is sent what came of it. The same text runs in the simulator
and in real processes. ``At`` marks the fault points, the places where a crash means
something different:

    after_lease, mid_job, before_effect, after_effect (before the ack), after_ack
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, Literal

from msgspec import Struct

from .commands import Ack, Delivery, Extend, Lease, Leased, Nack, Release, Replay, Settled
from .producer import Stray
from .repeat import Attempt, Sleep, until_answered

Point = Literal["after_lease", "mid_job", "before_effect", "after_effect", "after_ack"]
POINTS: tuple[Point, ...] = (
    "after_lease",
    "mid_job",
    "before_effect",
    "after_effect",
    "after_ack",
)
LATE_HEARTBEAT = "the heartbeat of a delivery that is over"
LATE_REPLAY = "the replay of a job that is done"


class Work(Struct, frozen=True):
    """Want: work on the delivery until the share ``goal`` is done, ``at_most_s`` seconds."""

    delivery: Delivery
    goal: float
    at_most_s: float


class Progress(Struct, frozen=True):
    """What came of :class:`Work`: reached the goal, failed, or must the worker stop?"""

    reached: bool
    error: str | None = None
    permanent: bool = False
    stopping: bool = False
    left_s: float = 0.0


class ApplyEffect(Struct, frozen=True):
    """Want: do to the world what the job does, under this idempotency key."""

    delivery: Delivery
    key: str


class At(Struct, frozen=True):
    """Want: nothing; tells the driver which fault point this is."""

    point: Point
    delivery: Delivery


class Stopping(Struct, frozen=True):
    """Want: to know whether the worker was told to stop (SIGTERM)."""


class Finished(Struct, frozen=True):
    """Want: nothing; this delivery is over. ``settled`` is False if its lease was lost."""

    delivery: Delivery
    settled: bool


class WorkerOptions(Struct, frozen=True):
    """Seconds: lease length, longest wait for a job, grace for a job when told to stop.

    ``extends``: where its work takes long, it makes its lease last longer.
    ``late_words``: after each ack that was accepted come a heartbeat, as of a thread that was not
    stopped in time, and a replay, as of an operator whose page is old. Neither may change anything.
    """

    lease_s: float = 10.0
    wait_s: float = 0.5
    grace_s: float = 5.0
    late_words: bool = False
    extends: bool = True


Want = Attempt | Sleep | Work | ApplyEffect | At | Stopping | Finished | Stray
Worker = Generator[Want, Any, None]
WorkerProgram = Callable[[str, tuple[str, ...], WorkerOptions], Worker]


def worker(
    name: str, queues: tuple[str, ...], options: WorkerOptions, extends: bool = True
) -> Worker:
    """Take jobs until told to stop: lease, work, effect, ack; nack what fails."""
    while not (yield Stopping()):
        delivery = yield from receive(name, queues, options)
        if delivery is None:
            continue
        yield At("after_lease", delivery)
        ending = yield from perform(delivery, options, extends and options.extends)
        if ending is None:
            yield At("before_effect", delivery)
            yield ApplyEffect(delivery, effect_key(delivery))
            yield At("after_effect", delivery)
            settled = yield from settle(Ack(delivery.job.id, delivery.token))
            yield At("after_ack", delivery)
            if settled and options.late_words:
                yield from _late_words(delivery, options)
        elif isinstance(ending, Nack | Release):
            settled = yield from settle(ending)
        else:
            settled = False
        yield Finished(delivery, settled)


def _late_words(delivery: Delivery, options: WorkerOptions) -> Generator[Stray, Any, None]:
    """What somebody says of a job that is done, since he does not know that yet."""
    job_id = delivery.job.id
    yield Stray(Extend(job_id, delivery.token, options.lease_s), LATE_HEARTBEAT, job_id)
    yield Stray(Replay((job_id,)), LATE_REPLAY, job_id)


def effect_key(delivery: Delivery) -> str:
    """The name of the effect: the job's idempotency key, the same at every delivery."""
    return delivery.job.key or delivery.job.id


def receive(
    name: str, queues: tuple[str, ...], options: WorkerOptions
) -> Generator[Attempt | Sleep, Any, Delivery | None]:
    reply = yield from until_answered(Lease(name, queues, options.lease_s, options.wait_s))
    if isinstance(reply, Leased):
        return reply.delivery
    # No answer at all, or a refusal: the queue is away; do not ask in a hot loop.
    yield Sleep(options.wait_s)
    return None


def perform(
    delivery: Delivery, options: WorkerOptions, extends: bool = True
) -> Generator[Want, Any, Nack | Release | Literal["lost"] | None]:
    """Do the work, extending the lease in time. None: done. Else how it must end."""
    job, token = delivery.job, delivery.token
    slice_s = options.lease_s / 3
    for goal in (0.5, 1.0):
        while True:
            progress = yield Work(delivery, goal, slice_s)
            if progress.error is not None:
                return Nack(job.id, token, progress.error, progress.permanent)
            if progress.stopping and progress.left_s > options.grace_s:
                return Release(job.id, token)
            if progress.reached:
                break
            if extends:
                reply = yield from until_answered(Extend(job.id, token, options.lease_s))
                if isinstance(reply, Settled) and not reply.accepted:
                    return "lost"
        if goal < 1.0:
            yield At("mid_job", delivery)
    return None


def settle(command: Ack | Nack | Release) -> Generator[Attempt | Sleep, Any, bool]:
    """Say how the delivery ended; False if the queue refused or never answered."""
    reply = yield from until_answered(command)
    return isinstance(reply, Settled) and reply.accepted
