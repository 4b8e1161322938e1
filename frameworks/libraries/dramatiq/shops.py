"""The shop on Dramatiq, and what brings back soon what a dead worker had fetched."""

from __future__ import annotations

from ...shop import Setting, Shop

SAFE = (
    Setting("heartbeat_timeout", 15_000, "a silent process counts as dead after 15 s, not 60"),
    Setting(
        "maintenance_chance",
        100_000,
        "a tenth of the commands look for dead processes, instead of one in a thousand",
    ),
)
ON_RABBITMQ = (
    Setting(
        "confirm_delivery", True, "an enqueue returns when RabbitMQ has the message, not before"
    ),
)
SHOPS = (
    Shop("dramatiq", "shop:broker", SAFE),
    Shop("dramatiq-rabbitmq", "shop_rabbitmq:broker", ON_RABBITMQ),
)
