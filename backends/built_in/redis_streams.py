"""Redis Streams with a consumer group, on a Redis that writes to disk before it answers."""

from __future__ import annotations

from ..brokers.redis_streams.adapter import RedisStreams

BACKEND = RedisStreams(
    "redis-streams", "Redis Streams with a consumer group, jobquake's own worker"
)
