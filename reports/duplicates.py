"""What each technique catches and what not, as a table: for a terminal, a page, Markdown.

One row for each technique, one column for each gap between two submissions of the same work.
The words of a cell are made here, from what was counted in the run.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..harness.record.duplicates import Duplicates
from ..harness.result import Result

LATE = "Caught late: the job ran again, and only the receiver of its effect recognised it."
MEANINGS = (
    "- Nothing: another job id, another key; the effect is an addition.",
    "- Same job id: the queue accepts an id once, for as long as it remembers it.",
    "- Key the queue knows: the same idempotency key; the queue completes a job without",
    "  running it if another job with that key is done, for as long as it remembers that.",
    "- Key the world knows: the key is sent with the effect, and its receiver keeps it.",
    "- Set instead of add (natural idempotency): the effect states the final value.",
    "- Upsert: the effect inserts a row, or updates the row that the work inserted before.",
)


class Table(NamedTuple):
    """``rows`` are of one technique each: its name, then a cell for each of ``gaps``."""

    gaps: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def telling(found: Sequence[Duplicates]) -> Sequence[Duplicates]:
    """What a reader of the run should see: nothing, where one technique caught all there was."""
    techniques = {cell.technique for cell in found}
    return found if len(techniques) > 1 or any(cell.repeated for cell in found) else ()


def table(found: Sequence[Duplicates]) -> Table:
    """The cells in order; what was not tried is empty."""
    cells = {(cell.technique, cell.gap): words(cell) for cell in found}
    gaps = tuple(dict.fromkeys(cell.gap for cell in found))
    techniques = dict.fromkeys(cell.technique for cell in found)
    return Table(
        gaps, tuple((name, *(cells.get((name, gap), "") for gap in gaps)) for name in techniques)
    )


def words(cell: Duplicates) -> str:
    """What became of the second submission, and of how many pieces of work."""
    counted = {
        "charged twice": cell.repeated,
        "caught late": cell.asked_again - cell.repeated,
        "caught": cell.works - cell.asked_again,
    }
    return ", ".join(f"{what} {n}/{cell.works}" for what, n in counted.items() if n)


def markdown(result: Result, command: str) -> str:
    """The page: the table, how to read it, the replay string; ``command`` made it."""
    found = table(result.duplicates)
    lines = [
        "# The same work submitted twice",
        "",
        f"Made by `{command}` from measurements; no cell is written by hand.",
        "Every cell is counted in the history of one run, in virtual time, on the backend",
        f"`{result.backend}`: of the pieces of work that were accepted twice, how many were",
        "caught the second time, and how many had their effect twice.",
        LATE,
        "",
        f"| technique | {' | '.join(found.gaps)} |",
        "|---" * (1 + len(found.gaps)) + "|",
        *(f"| {' | '.join(row)} |" for row in found.rows),
        "",
        *MEANINGS,
        "",
        "## Replay",
        "",
        "```text",
        result.replay,
        "```",
        "",
    ]
    return "\n".join(lines)
