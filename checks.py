"""``from jobquake.checks import Facts, judged``: what a check reads and what it hands back."""

from __future__ import annotations

from .harness.checks import CHECKS, GUARANTEES, Check
from .harness.finding import Finding, Judged, Verdict, judged
from .harness.record.facts import Facts
from .harness.record.history import History, row
from .harness.units import seconds
from .protocol.events import Answer, Event, Phase

__all__ = [
    "CHECKS",
    "GUARANTEES",
    "Answer",
    "Check",
    "Event",
    "Facts",
    "Finding",
    "History",
    "Judged",
    "Phase",
    "Verdict",
    "judged",
    "row",
    "seconds",
]
