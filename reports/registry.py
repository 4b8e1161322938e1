"""Every report format by its name, which is that of its file in ``formats/``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ..listing import held
from .format import Format

if TYPE_CHECKING:
    from ..harness.run import Run
    from ..harness.skipped import Skipped

FORMATS: dict[str, Format] = held(f"{__package__}.formats", "FORMAT")


def render(name: str, runs: Sequence[Run]) -> str:
    """The text of that format; one run, unless the format is shared. KeyError: unknown name."""
    return FORMATS[name].render(runs)


def files_of_one(names: Iterable[str], run: Run) -> dict[str, str]:
    """What belongs into the run's own folder: texts by file name."""
    return {FORMATS[name].file: render(name, [run]) for name in names if not FORMATS[name].shared}


def files_of_all(
    names: Iterable[str], runs: Sequence[Run], skipped: Sequence[Skipped] = ()
) -> dict[str, str]:
    """What the runs share, and belongs into the folder above theirs: texts by file name."""
    texts = dict[str, str]()
    for name in names:
        kind = FORMATS[name]
        if kind.shared:
            told = kind.with_skipped
            texts[kind.file] = told(runs, skipped) if told else kind.render(runs)
    return texts
