"""The reference queue in a file: no server and no network."""

from __future__ import annotations

from ..reference.adapter import in_place

BACKEND = in_place(
    "reference-sqlite",
    "the reference queue on one SQLite file that all processes share, no network",
    "sqlite",
)
