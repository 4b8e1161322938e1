"""Dramatiq on RabbitMQ: what its queues hold, and what is unsafe.

A message waits in its queue, or with a delay in ``q.DQ``, whose consumer holds it until it is due.
What has failed for the last time is rejected, and RabbitMQ puts it into ``q.XQ``. What a process
held is ready again when its connection is closed. The queues are classic ones, which count nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ....protocol.commands import Inspected
from ....servers import rabbitmq_held
from ...brokers.amqp import AmqpCalls
from ...brokers.kind import RABBITMQ
from ...brokers.rabbitmq import HUNG
from ...library import Finding, Held, Looked

DELAYED, DEAD = ".DQ", ".XQ"
BROKER = "https://dramatiq.io/reference.html#dramatiq.brokers.rabbitmq.RabbitmqBroker"


def is_it(looked: Looked) -> bool:
    return RABBITMQ.speaks(looked.broker)


def framing() -> AmqpCalls:
    return AmqpCalls(lambda header, body: str(_message(body).get("message_id", "")), DELAYED)


def held(address: str) -> Held:
    messages, now = rabbitmq_held.held(address)
    told = [(_message(one.body), one) for one in messages]
    # A copy with a delay is acknowledged after the message has been sent to its queue.
    told.sort(key=lambda pair: not pair[1].queue.endswith(DELAYED))
    return Held({m["message_id"]: _inspected(m, one, now) for m, one in told if m}, now)


def findings(looked: Looked) -> Iterator[Finding]:
    yield Finding(
        "a message that ends its process each time is put aside",
        "its queues are classic ones, which count no deliveries: such a one comes back for ever",
        "give the actor a max_age, and watch for messages that RabbitMQ redelivers",
        "poison",
        BROKER,
    )
    if not looked.settings.get("confirm_delivery"):
        yield Finding(
            "a message whose enqueue returned is at the broker",
            "confirm_delivery=False: nobody waits for RabbitMQ's answer",
            "RabbitmqBroker(confirm_delivery=True)",
            "broker-crash",
            BROKER,
        )


def _inspected(message: dict[str, Any], found: rabbitmq_held.Message, now: float) -> Inspected:
    if found.queue.endswith(DEAD):
        return Inspected("dead", reason=found.died or "rejected", where=found.where)
    eta = message["options"].get("eta")
    if found.queue.endswith(DELAYED) and eta:
        return Inspected("ready", where=found.where, due_s=max(0.0, float(eta) / 1000 - now))
    if found.ready:
        return Inspected("ready", where=found.where)
    return Inspected("leased", where=f"{found.where}, {HUNG}")


def _message(body: bytes) -> dict[str, Any]:
    """What Dramatiq has sent; nothing, if it is no message of its own."""
    try:
        message = json.loads(body)
    except ValueError:
        return {}
    whole = isinstance(message, dict) and isinstance(message.get("options"), dict)
    return message if whole and isinstance(message.get("message_id"), str) else {}
