"""Faults hit: every cell of the bite matrix that the scenario names was filled.

A fault that struck nothing proves nothing: an empty cell makes the run inconclusive.
"""

from __future__ import annotations

from ..facts import Facts
from .finding import Finding, Judged


def judge(facts: Facts) -> Judged:
    missing = [cell for cell in facts.plan.must_hit if not facts.bites.get(cell)]
    if not missing:
        hits = sum(n for (_, phase), n in facts.bites.items() if phase != "nothing")
        return Judged("held", note=f"{hits} strikes met a job")
    sentences = (f"no {kind} struck a job in phase {phase!r}" for kind, phase in missing)
    findings = tuple(Finding(-1, sentence) for sentence in sentences)
    return Judged("inconclusive", findings, "a fault that hits nothing proves nothing")
