"""What a report format is: a file for runs, and the function that writes its text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ..harness.run import Run
    from ..harness.skipped import Skipped


class Format(NamedTuple):
    """``render`` makes the text of ``file``.

    A format that is ``shared`` puts many runs into one file; any other makes one for each run.
    ``with_skipped`` makes the same text with a word on each scenario that was not run, if the
    format has a place for that.
    """

    file: str
    summary: str
    render: Callable[[Sequence[Run]], str]
    shared: bool
    with_skipped: Callable[[Sequence[Run], Sequence[Skipped]], str] | None = None
