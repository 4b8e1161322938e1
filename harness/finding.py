"""What a check hands back."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Verdict = Literal["held", "violated", "inconclusive"]
CheckVerdict = Literal["held", "violated", "inconclusive", "not judged"]


class Finding(Struct, frozen=True):
    """One broken promise: the job (-1: none in particular), one sentence, its events.

    ``weight`` orders findings of one check, the worst first.
    """

    job: int
    sentence: str
    events: tuple[int, ...] = ()
    weight: float = 0.0


class Judged(Struct, frozen=True):
    """A check's answer. ``note`` says what was measured, or why nothing could be said.

    ``not judged`` is neither held nor violated: the system does not claim it, or does not
    show what it takes to see it.
    """

    verdict: CheckVerdict
    findings: tuple[Finding, ...] = ()
    note: str = ""


def judged(findings: list[Finding], note: str) -> Judged:
    """Violated if there are findings, held if not."""
    ordered = tuple(sorted(findings, key=lambda f: (-f.weight, f.job)))
    return Judged("violated" if ordered else "held", ordered, note)


def not_judged(why: str) -> Judged:
    """Neither held nor violated, and no reason to call the run inconclusive."""
    return Judged("not judged", note=why)
