"""The reference queue in PostgreSQL."""

from __future__ import annotations

from ..reference.adapter import in_place

BACKEND = in_place(
    "reference-postgres", "the reference queue in a PostgreSQL that all processes share", "postgres"
)
