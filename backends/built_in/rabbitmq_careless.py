"""RabbitMQ as many a first example has it: all in memory, and nobody waits for its word."""

from __future__ import annotations

from msgspec.structs import replace

from ..brokers.rabbitmq.adapter import CLAIMS, RabbitMQ
from ..brokers.rabbitmq.connection import Kind

BACKEND = RabbitMQ(
    "rabbitmq-careless",
    "the same with queues in memory and no confirms, so that a crash loses every job",
    Kind("classic", durable=False, confirms=False),
    replace(
        CLAIMS,
        caveat="these queues are kept in memory; durable ones with persistent messages are on disk",
    ),
)
