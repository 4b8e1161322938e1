"""The outcomes of a run in one line: how many jobs met which, and what is known of them."""

from __future__ import annotations

from ..harness.result import Result

LONGEST = 90


def told(result: Result) -> str:
    """``7 done, 1 recovered (after 3695.51 s)``; nothing, if there was no job."""
    return ", ".join(f"{n} {what}{_more(result, what)}" for what, n in result.outcomes.items() if n)


def details(result: Result, outcome: str) -> list[str]:
    """What is known of the jobs with that outcome; with how many each, where there are several."""
    fates = [fate for fate in result.fates if fate.outcome == outcome]
    if len(fates) == 1:
        return [fates[0].detail]
    return [f"{len(fate.jobs)}: {fate.detail}" for fate in fates]


def _more(result: Result, outcome: str) -> str:
    known = "; ".join(map(_short, details(result, outcome)))
    return f" ({known})" if known else ""


def _short(detail: str) -> str:
    return detail if len(detail) <= LONGEST else f"{detail[: LONGEST - 3]}..."
