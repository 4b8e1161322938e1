"""The reference queue on Redis, which writes to disk before it answers."""

from __future__ import annotations

from ..reference.adapter import in_place

BACKEND = in_place(
    "reference-redis",
    "the reference queue on a Redis that all processes share, on disk before it answers",
    "redis",
)
