"""Per fault kind: how many were planned, how many struck, how many met a job."""

from __future__ import annotations

from .facts import Facts


def injected(facts: Facts) -> dict[str, dict[str, int]]:
    """By the kind's name; ``planned``, ``struck`` and ``hit a job``."""
    table: dict[str, dict[str, int]] = {}
    for fault in facts.plan.faults:
        cell = table.setdefault(fault.kind, {"planned": 0, "struck": 0, "hit a job": 0})
        cell["planned"] += fault.planned
    for (kind, phase), n in facts.bites.items():
        table[kind]["struck"] += n
        table[kind]["hit a job"] += n if phase != "nothing" else 0
    return table
