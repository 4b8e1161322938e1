"""Faults hit: every cell of the bite matrix that the scenario names was filled.

A fault that struck nothing proves nothing: an empty cell makes the run inconclusive.
"""

from __future__ import annotations

from ...backends.claims import Claim
from ..faults import FAULTS
from ..finding import Finding, Judged
from ..record.facts import Facts
from ..sight import Needs

TITLE = "the faults struck what they should"
RANK = 140
NEEDS: Needs = ()
EXCUSED_BY: tuple[Claim, ...] = ()


def judge(facts: Facts) -> Judged:
    missing = [cell for cell in facts.plan.must_hit if not facts.bites.get(cell)]
    if not missing:
        hits = sum(n for (_, phase), n in facts.bites.items() if phase != "nothing")
        return Judged("held", note=f"{hits} strikes met a job")
    findings = tuple(Finding(-1, _sentence(*cell)) for cell in missing)
    return Judged("inconclusive", findings, "a fault that hits nothing proves nothing")


def _sentence(kind: str, phase: str) -> str:
    needs = [fault.needs for fault in FAULTS.values() if fault.label == kind and fault.needs]
    return "; ".join([f"no {kind} struck a job in phase {phase!r}", *needs[:1]])
