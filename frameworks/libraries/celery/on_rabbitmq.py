"""Celery on RabbitMQ: what its queues hold, how what a dead worker held comes back, what is unsafe.

A message lies in its queue, ready, until RabbitMQ sends it to a worker; then it is unacknowledged
there. It is ready again as soon as the worker's connection is closed, which the end of its process
does. A quorum queue counts how often one came back, and drops it at its limit, or makes it a
dead letter; a classic queue counts nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from ....protocol.commands import Inspected
from ....servers import rabbitmq_held
from ...brokers.amqp import AmqpCalls
from ...brokers.kind import RABBITMQ
from ...brokers.rabbitmq import HUNG
from ...library import Finding, Held, Looked
from .advice import TASKS, of_a_deploy, of_acks, of_pools

BROKER = "https://docs.celeryq.dev/en/stable/getting-started/backends-and-brokers/rabbitmq.html"
ID = b"\x02idS"  # in a table of AMQP: a key of two letters, and a long string


def is_it(looked: Looked) -> bool:
    return RABBITMQ.speaks(looked.broker)


def framing() -> AmqpCalls:
    return AmqpCalls(_identify)


def held(looked: Looked, address: str) -> Held:
    messages, now = rabbitmq_held.held(address)
    jobs = {one.task: _inspected(one, looked) for one in messages if one.task}
    return Held(jobs, now)


def findings(looked: Looked) -> Iterator[Finding]:
    yield from of_acks(looked)
    arguments = (looked.settings.get("queue_arguments") or {}).get(looked.queue) or {}
    quorum = arguments.get("x-queue-type") == "quorum"
    if not quorum:
        yield Finding(
            "a task that ends its process each time is put aside",
            f"the queue {looked.queue} is a classic one, which counts no deliveries: such a task "
            "comes back for ever",
            "declare it as a quorum queue, with x-delivery-limit and a dead-letter exchange",
            "poison",
            BROKER,
        )
    elif "x-delivery-limit" not in arguments:
        yield Finding(
            "a task that ends its process each time is put aside",
            f"the quorum queue {looked.queue} has no x-delivery-limit: RabbitMQ below 4.0 counts "
            "and never stops",
            "set x-delivery-limit and a dead-letter exchange",
            "poison",
            BROKER,
        )
    if quorum and "x-dead-letter-exchange" not in arguments:
        yield Finding(
            "a task at its delivery limit is kept for somebody to look at",
            f"the quorum queue {looked.queue} has no x-dead-letter-exchange: at its limit a task "
            "is dropped",
            "set x-dead-letter-exchange and declare a queue that it leads to",
            "poison",
            BROKER,
        )
    if not (looked.settings.get("broker_transport_options") or {}).get("confirm_publish"):
        yield Finding(
            "a task whose enqueue returned is at the broker",
            "broker_transport_options has no confirm_publish: nobody waits for RabbitMQ's answer",
            "set broker_transport_options={'confirm_publish': True}",
            "broker-crash",
            TASKS,
        )
    yield from of_pools(looked)
    yield of_a_deploy()


def _inspected(message: rabbitmq_held.Message, looked: Looked) -> Inspected:
    if message.died and message.queue not in looked.queues:
        return Inspected("dead", message.returns, message.died, message.where)
    if message.ready:
        return Inspected("ready", message.returns, where=message.where)
    return Inspected("leased", message.returns, where=f"{message.where}, {HUNG}")


def _identify(header: bytes, body: bytes) -> str:
    """The header "id" of a task's message."""
    at = header.find(ID)
    if at < 0:
        return ""
    at += len(ID)
    size = int.from_bytes(header[at : at + 4], "big")
    return header[at + 4 : at + 4 + size].decode(errors="replace")
