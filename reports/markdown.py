"""Results as Markdown for GitHub: a table of runs, then the story of each that did not hold.

Every text that others named is escaped, so it stays text. What does not fit into a job summary
is left out from the end, and the last line says how much.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from ..harness.result import Result
from ..harness.run import Run
from ..harness.skipped import Skipped
from .outcomes import told
from .plain import one_line

JOB_SUMMARY = 1024 * 1024  # bytes that GitHub takes for one step
SPARE = 200  # for the sentence about what is left out
_SPECIAL = re.compile(r"[!-/:-@\[-`{-~]")
# What is harmless where it stands, and would only make the source harder to read.
_WORDY = re.compile(
    r"(?<=\w)[-,'/](?=\w)|(?<=\d)\.(?=\d)|(?<=\w)[,;:](?=\s)|(?<=[a-z])[.)](?=\s|$)"
)


def render(
    runs: Sequence[Run], skipped: Sequence[Skipped] = (), most_bytes: int = JOB_SUMMARY
) -> str:
    """The summary, in at most so many bytes of UTF-8; nothing if not even its head fits."""
    results = [run.result for run in runs]
    head = [_heading(results), "", *_TABLE]
    broken = [result for result in results if result.as_expected != "held"]
    not_run = [f"\n{escaped(skip.sentence)}" for skip in skipped]
    rows_and_stories = (*map(_row, results), *map(_section, broken))
    pieces = [*rows_and_stories, *not_run]
    room = most_bytes - SPARE - len("\n".join(head).encode())
    if room < 0:
        return ""
    taken = 0
    for piece in pieces:
        room -= len(piece.encode()) + 1
        if room < 0:
            break
        taken += 1
    text = "\n".join([*head, *pieces[:taken]]) + "\n"
    if taken == len(pieces):
        return text
    rows = max(0, len(results) - taken)
    sections = max(0, len(broken) - max(0, taken - len(results)))
    return (
        f"{text}\nLeft out for lack of space: {rows} of {len(results)} rows, "
        f"the stories of {sections} of {len(broken)} runs.\n"
    )


_TABLE = (
    "| verdict | scenario | backend | driver | seed | outcomes |",
    "|---|---|---|---|---|---|",
)


def _heading(results: Sequence[Result]) -> str:
    counts = Counter(result.as_expected for result in results)
    counted = [f"{counts[v]} {v}" for v in ("violated", "inconclusive", "held") if counts[v]]
    return f"## jobquake: {', '.join(counted) or 'no run'}"


def _row(result: Result) -> str:
    outcomes = told(result)
    control = f"control: {result.control} must be violated" if result.control else ""
    cells = (
        result.as_expected, result.full_name, result.backend, result.driver, result.seed,
        control or outcomes or "no job",
    )  # fmt: skip
    return f"| {' | '.join(map(escaped, cells))} |"


def _section(result: Result) -> str:
    lines = [
        "",
        f"### {result.as_expected}: {escaped(result.full_name)} on {escaped(result.backend)}",
        "",
        f"**{escaped(result.sentence)}**",
    ]
    if result.confirmation:
        lines += ["", f"Found in leaping time; {escaped(result.confirmation.sentence)}"]
    if result.story:
        lines += ["", *(f"1. {escaped(step)}" for step in result.story)]
    lines += ["", "| guarantee | verdict | measured |", "|---|---|---|"]
    lines += [f"| {escaped(c.title)} | {c.verdict} | {escaped(c.note)} |" for c in result.checks]
    missing = [b for b in result.bites if b.required and not b.count]
    if missing:
        cells = "; ".join(f"{b.fault} while {b.phase}" for b in missing)
        lines += ["", f"Required strikes that were missing: {escaped(cells)}"]
    replay = re.sub(r"\s", "", one_line(result.replay)).replace("`", "")
    lines += ["", "```sh", f"jobquake replay '{replay}'", "```"]
    return "\n".join(lines)


def escaped(text: object) -> str:
    """The text so that Markdown shows it and does nothing else with it: no HTML, link, mention."""
    plain = one_line(text).strip() or "(nothing)"
    kept = {found.start() for found in _WORDY.finditer(plain)}
    return _SPECIAL.sub(lambda found: found[0] if found.start() in kept else f"\\{found[0]}", plain)
