"""The table of promises as Markdown: both sides of each, where it is judged, and who breaks it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Row(NamedTuple):
    """One side of a promise: ``run`` and ``explore`` say whether it is judged there.

    ``claims`` are those without which it is not judged, ``excuses`` those without which some jobs
    are not. ``contract`` are the tests that fail for the ``twins``; ``why`` there is none.
    """

    promise: str
    side: str
    check: str
    claims: Sequence[str]
    excuses: Sequence[str]
    run: str
    explore: str
    contract: Sequence[str]
    twins: Sequence[str]
    why: str = ""


HEAD = """\
# What a queue promises, and where that is judged

Made by `{command}` from the checks, the scenarios and the broken
twins; a test holds it against them. Each promise has its sides: too early and too late, too many
and too few.

- **run**: `jobquake run` judges it in every run (*always*), or in so many scenarios that name it.
- **explore**: exploration judges it on each plan that it draws.
- **contract**: the tests of the contract that fail where it is broken.
- **not judged without**: a queue that does not claim this is not held to the promise at all.
- **excused without**: a queue that does not claim this is not held to it for the jobs that the
  claim concerns, such as those that a crash of the server met.
"""

COLUMNS = (
    "| promise | side | check | run | explore | contract | broken by | not judged without "
    "| excused without |"
)


def markdown(rows: Sequence[Row], command: str) -> str:
    """The table; ``command`` made it."""
    lines = [HEAD.format(command=command), COLUMNS, "|---" * COLUMNS.count(" | ") + "|---|"]
    lines += map(_line, rows)
    return "\n".join(lines) + "\n"


def _line(row: Row) -> str:
    cells = (
        row.promise,
        row.side,
        f"`{row.check}`",
        row.run,
        row.explore,
        _names(row.contract) or row.why,
        _names(row.twins) or row.why,
        _names(row.claims) or "binds all",
        _names(row.excuses) or "no excuse",
    )
    return f"| {' | '.join(cells)} |"


def _names(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
