"""Results as plain text for a terminal of 80 columns or a log: lines, stories, sketches.

The same words as :mod:`.terminal` prints while runs go on, in one piece.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO

from rich.console import Console

from ..harness.record.facts import Facts
from ..harness.run import Run
from . import terminal
from .shown import jobs_of
from .sketch import WIDTH, sketch
from .space_time import diagram


def render(runs: Sequence[Run]) -> str:
    """One line for each run, and the whole story of each that did not hold."""
    written = StringIO()
    console = terminal.console(file=written, width=WIDTH)
    for run in runs:
        tell(run, console)
    return written.getvalue()


def tell(run: Run, console: Console, again: str | None = None) -> None:
    """One run: its line; if it did not hold, why, its picture, and what to type ``again``."""
    console.print(terminal.line(run.result), soft_wrap=True)
    terminal.not_judged(run.result, console)
    terminal.duplicates(run.result, console)
    terminal.troubles(run.result, console)
    if run.result.as_expected != "held":
        terminal.summary(run.result, console, picture(run), again)


def picture(run: Run) -> list[str]:
    """The sketch of the jobs that a violated run wronged; nothing for any other run."""
    if run.result.verdict != "violated":
        return []
    facts = Facts(run.plan, run.claims, run.history)
    return sketch(diagram(facts, jobs_of(facts, run.result, most=1)), WIDTH - 4)
