"""RabbitMQ with durable classic queues, persistent messages and publisher confirms."""

from __future__ import annotations

from ..brokers.rabbitmq.adapter import RabbitMQ
from ..brokers.rabbitmq.connection import Kind

BACKEND = RabbitMQ(
    "rabbitmq-classic",
    "RabbitMQ with durable classic queues and confirms, jobquake's own worker",
    Kind("classic"),
)
