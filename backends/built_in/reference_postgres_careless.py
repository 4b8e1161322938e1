"""The reference queue in a PostgreSQL that answers before it has written."""

from __future__ import annotations

from ..reference.adapter import in_place

BACKEND = in_place(
    "reference-postgres-careless",
    "the same in a PostgreSQL that answers before it writes",
    "postgres-careless",
)
