"""Faults hit: every cell of the bite matrix that the scenario names was filled.

A fault that struck nothing proves nothing: an empty cell makes the run inconclusive.
"""

from __future__ import annotations

import numpy as np

from ...backends.claims import Claim
from ..faults import FAULTS
from ..finding import Finding, Judged
from ..record.facts import Facts
from ..record.history import Event
from ..sight import Needs

BRIEF_S = 0.1
TITLE = "the faults struck what they should"
RANK = 140
NEEDS: Needs = ()
EXCUSED_BY: tuple[Claim, ...] = ()


def judge(facts: Facts) -> Judged:
    missing = [cell for cell in facts.plan.must_hit if not facts.bites.get(cell)]
    if not missing:
        hits = sum(n for (_, phase), n in facts.bites.items() if phase != "nothing")
        return Judged("held", note=f"{hits} strikes met a job")
    findings = tuple(Finding(-1, _sentence(facts, *cell)) for cell in missing)
    return Judged("inconclusive", findings, "a fault that hits nothing proves nothing")


def _sentence(facts: Facts, kind: str, phase: str) -> str:
    needs = [fault.needs for fault in FAULTS.values() if fault.label == kind and fault.needs]
    brief = _brief(facts) if phase == "running" else ""
    told = [f"no {kind} struck a job in phase {phase!r}", *needs[:1], brief]
    return "; ".join(filter(None, told))


def _brief(facts: Facts) -> str:
    """That the jobs of somebody's own task hardly ran at all, if it was so; else ""."""
    returned = facts.rows(Event.RETURNED)
    if not len(returned):
        return ""
    began, ended = (facts.last(rows) for rows in (facts.rows(Event.STARTED), returned))
    both = (began >= 0) & (ended > began)
    t = facts.history["t"]
    took_s = float(np.median(t[ended[both]] - t[began[both]])) if both.any() else BRIEF_S
    if took_s >= BRIEF_S:
        return ""
    return f"half of the jobs took less than {took_s * 1000:.1f} ms: name a task that takes longer"
