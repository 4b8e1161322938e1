"""Redis Streams on a Redis as it is installed: a crash loses what it has not yet written."""

from __future__ import annotations

from msgspec.structs import replace

from ..brokers.redis_streams.adapter import CLAIMS, RedisStreams

BACKEND = RedisStreams(
    "redis-streams-careless",
    "the same on a Redis as it comes, which loses its last minutes when it crashes",
    replace(CLAIMS, caveat="this Redis keeps snapshots only; with appendonly yes it keeps more"),
    careless=True,
)
