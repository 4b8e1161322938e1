"""In a terminal: what differs from a file of what is expected, for `run` and `sweep` alike."""

from __future__ import annotations

from rich.console import Console

from ..known import Differences
from .plain import one_line

MOST_TOLD = 12


def tell(found: Differences, console: Console) -> None:
    """What differs from the expectation, and whether that is red."""
    for title, lines in (
        ("worse", found.worse), ("better", found.better), ("other", found.other),
        ("told", found.told), ("missing", found.missing[:MOST_TOLD]),
    ):  # fmt: skip
        for line in lines:
            console.print(one_line(f"{title}: {line}"), soft_wrap=True)
    if found.missing[MOST_TOLD:]:
        more = len(found.missing) - MOST_TOLD
        console.print(f"missing: {more} more", soft_wrap=True)
    if not found.red and not found.missing:
        console.print("as expected")
