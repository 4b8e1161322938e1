"""The table of practices as Markdown: each with and without, and how to see it oneself."""

from __future__ import annotations

from typing import NamedTuple

from ..harness.result import Result


class Row(NamedTuple):
    """One practice: its words, and the same plan on the queue that has it and that lacks it."""

    practice: str
    having: Result
    lacking: Result


def markdown(rows: list[Row], command: str) -> str:
    """The table, then the replay strings; ``command`` made it."""
    lines = [
        "# Practices of a queue that does not drop work",
        "",
        f"Made by `{command}` from measurements; nothing is written by hand.",
        "",
        "| # | practice | scenario | with it | without it | broken guarantee |",
        "|---|---|---|---|---|---|",
    ]
    for number, row in enumerate(rows, 1):
        broken = ", ".join(c.title for c in row.lacking.checks if c.verdict == "violated")
        lines.append(
            f"| {number} | {row.practice} | `{row.having.scenario}` | {row.having.verdict} "
            f"| {row.lacking.verdict} (`{_what(row)}`) | {broken or 'none'} |"
        )
    lines += ["", "## What happened without it", ""]
    lines += [f"{n}. {row.lacking.sentence}." for n, row in enumerate(rows, 1)]
    lines += ["", "## Replay", ""]
    for number, row in enumerate(rows, 1):
        lines += [f"{number}. {row.practice}", "", "```text", f"with:    {row.having.replay}"]
        lines += [f"without: {row.lacking.replay}", "```", ""]
    return "\n".join(lines)


def _what(row: Row) -> str:
    """The twin, or the variant of the scenario, that lacks the practice."""
    if row.lacking.backend != row.having.backend:
        return row.lacking.backend
    return f"{row.lacking.scenario}:{row.lacking.variant}"
