"""The readers of a result: format, file name, and the module that writes it.

To add one, write a module with ``render(runs)`` and add a line here. Modules are loaded only
when somebody asks for their format.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ..harness.run import Run


class Format(NamedTuple):
    """``module`` renders runs into the text of ``file``.

    A format that is ``shared`` puts many runs into one file; any other makes one for each run.
    """

    file: str
    module: str
    shared: bool
    summary: str


FORMATS = {
    "html": Format("report.html", ".page", False, "the page with the whole story"),
    "text": Format("report.txt", ".text", True, "for a terminal of 80 columns"),
    "junit": Format("junit.xml", ".junit", True, "for CI servers: a suite for each run"),
    "json": Format("results.json", ".results_json", True, "for programs; see 'jobquake schema'"),
    "markdown": Format("summary.md", ".markdown", True, "for a job summary or a pull request"),
    "trace": Format("trace.json", ".trace", False, "for Perfetto and chrome://tracing"),
    "svg": Format("space-time.svg", ".svg", False, "the space-time diagram alone"),
}


def render(name: str, runs: Sequence[Run]) -> str:
    """The text of that format; one run, unless the format is shared. KeyError: unknown name."""
    text: str = import_module(FORMATS[name].module, __package__).render(runs)
    return text


def files_of_one(names: Iterable[str], run: Run) -> dict[str, str]:
    """What belongs into the run's own folder: texts by file name."""
    return {FORMATS[name].file: render(name, [run]) for name in names if not FORMATS[name].shared}


def files_of_all(names: Iterable[str], runs: Sequence[Run]) -> dict[str, str]:
    """What the runs share, and belongs into the folder above theirs: texts by file name."""
    return {FORMATS[name].file: render(name, runs) for name in names if FORMATS[name].shared}
