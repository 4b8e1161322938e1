"""How what a worker held comes back on RabbitMQ, in words for the stories of every library."""

from __future__ import annotations

HEARTBEAT_S, BEATS = 60.0, 2  # RabbitMQ's own, which a client can only make shorter
RECOVERY_S = HEARTBEAT_S * BEATS
RECOVERY_WHY = (
    "RabbitMQ makes ready again what a connection held as soon as that is closed; one that has "
    f"fallen silent is closed after {BEATS} heartbeats of {HEARTBEAT_S:g} s"
)
HUNG = "which RabbitMQ takes from a worker that hangs after its consumer_timeout of 30 min"
