"""What the queues of a run's RabbitMQ hold, as they say it themselves: see :mod:`....servers`.

Over AMQP a message can only be taken, which counts.
"""

from __future__ import annotations

from collections import Counter

from ....protocol.commands import Depth, Inspected, Measured, State
from ....servers.rabbitmq_held import Message, held
from .words import LETTERS, job_in, name_of

LIVELIEST: tuple[State, ...] = ("leased", "ready", "dead")


def inspected(address: str, job_id: str) -> Inspected:
    """Where the liveliest message with that job is. Raises OSError, EnvironmentFault."""
    found = [
        one for one in held(address).messages if (job := job_in(one.body)) and job.id == job_id
    ]
    if not found:
        return Inspected(None)
    best = min(found, key=lambda one: LIVELIEST.index(_state(one)))
    return Inspected(_state(best), best.returns, best.died, best.where)


def measured(address: str) -> Measured:
    """How many messages each queue has in each state. Raises OSError, EnvironmentFault."""
    counts = Counter((_queue(one), _state(one)) for one in held(address).messages)
    depths = [
        Depth(queue, state, count, 0.0, count if state == "ready" else None)
        for (queue, state), count in sorted(counts.items())
    ]
    return Measured(tuple(depths), {})


def _state(message: Message) -> State:
    if message.queue == LETTERS:
        return "dead"
    return "ready" if message.ready else "leased"


def _queue(message: Message) -> str:
    """The queue of the job; a dead letter is counted where it was enqueued."""
    if message.queue != LETTERS:
        return name_of(message.queue)
    job = job_in(message.body)
    return job.queue if job else LETTERS
