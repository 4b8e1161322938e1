"""The reference queue behind its own server, as most people should try it first."""

from __future__ import annotations

from ..reference.adapter import in_place

BACKEND = in_place(
    "reference", "the reference queue behind its TCP broker, durable in SQLite", "broker"
)
