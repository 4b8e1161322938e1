"""RabbitMQ with quorum queues and publisher confirms."""

from __future__ import annotations

from msgspec.structs import replace

from ..brokers.rabbitmq.adapter import CLAIMS, RabbitMQ
from ..brokers.rabbitmq.connection import Kind

BACKEND = RabbitMQ(
    "rabbitmq-quorum",
    "RabbitMQ with quorum queues and confirms, jobquake's own worker",
    Kind("quorum"),
    replace(CLAIMS, fencing=True, bounded_deliveries=True),  # it counts deliveries
)
