"""The reference queue on Redis as it is installed: a crash loses what it has not yet written."""

from __future__ import annotations

from ..reference.adapter import in_place

BACKEND = in_place(
    "reference-redis-careless",
    "the same on a Redis as it comes, which loses its last minutes when it crashes",
    "redis-careless",
)
