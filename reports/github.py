"""What GitHub Actions shows of runs: annotations of the step, and its job summary.

An annotation is a line on the step's output that the runner reads as a command; whatever others
named is escaped in it, so that it can begin no command of its own. GitHub shows ten of each kind
for a step, so the tenth says how many more there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..harness.result import Result
from ..harness.run import Run
from ..harness.skipped import Skipped
from .markdown import JOB_SUMMARY, render
from .plain import one_line

VARIABLE = "GITHUB_STEP_SUMMARY"
MOST = 10
LEVELS = {"violated": "error", "inconclusive": "warning"}


def annotations_of(runs: Sequence[Run], pages: Sequence[Path | None]) -> list[str]:
    """An error for each violated run and a warning for each inconclusive one, ten at most.

    ``pages`` says where the report of each run is, if it has one.
    """
    lines = []
    for verdict, level in LEVELS.items():
        found = [
            (run.result, page)
            for run, page in zip(runs, pages, strict=True)
            if run.result.as_expected == verdict
        ]
        fit = found if len(found) <= MOST else found[: MOST - 1]
        lines += [_annotation(level, result, page) for result, page in fit]
        if rest := len(found) - len(fit):
            lines.append(f"::{level} title=jobquake::{rest} more runs are {verdict}")
    return lines


def append_summary(runs: Sequence[Run], summary: Path, skipped: Sequence[Skipped] = ()) -> None:
    """Add the Markdown to the step's summary, as far as there is room. Raises OSError."""
    there = summary.stat().st_size if summary.exists() else 0
    with summary.open("a", encoding="utf-8") as file:
        file.write(render(runs, skipped, JOB_SUMMARY - there))


def _annotation(level: str, result: Result, page: Path | None) -> str:
    title = f"{result.as_expected}: {result.full_name} on {result.backend}"
    properties = {"file": str(page)} if page else {}
    properties["title"] = title
    properties_text = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    told = [result.confirmation.sentence] if result.confirmation else []
    lines = [result.sentence, *told, *result.story, result.replay_command]
    return f"::{level} {properties_text}::{'%0A'.join(map(_data, lines))}"


def _data(text: str) -> str:
    return one_line(text).replace("%", "%25")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
