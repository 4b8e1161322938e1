"""The index of a session of pytest: each run of a test that failed, with a link to its page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .offline import own_text, page_of


class FailingRun(NamedTuple):
    """``page`` is where its page is, as seen from the index."""

    test: str
    verdict: str
    name: str
    again: str
    page: str
    rerun: bool


def page(rows: Sequence[FailingRun]) -> str:
    """One self-contained page; every text in it is escaped."""
    return page_of("session.html", [own_text("many.css")], rows=rows)
