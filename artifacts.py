"""What is kept of a failing test: a folder with each of its runs, for a person or a CI server.

    .jobquake/test_shop.py-test_no_charge_is_lost/worker-kill-before-ack-worker-0/report.html

Beside the page lie plan, history and result, so that ``jobquake replay`` and ``jobquake report``
take the folder, and ``replay.txt`` with the command that needs no folder.
"""

from __future__ import annotations

import os
import re
import shutil
import zlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from .harness.run import Run

SETTING, FOLDER = "jobquake_artifacts", ".jobquake"
PAGE, REPLAY, INDEX = "report.html", "replay.txt", "index.html"
MOST_KEPT = 20
LONGEST_NAME = 120


class Noted(NamedTuple):
    """A run of a test, where its page is if it is kept, and else why it could not be."""

    run: Run
    page: Path | None = None
    problem: str = ""

    def row(self, base: Path) -> list[str]:
        """What the summary says of it: verdict, name, how to see it again, page."""
        result = self.run.result
        what = f"{result.scenario}:{result.variant}"
        name = f"{what}  {result.backend}  {result.driver}  seed {result.seed}"
        page = "" if self.page is None else _short(self.page, base)
        return [result.verdict, name, self.again(base), page]

    def again(self, base: Path) -> str:
        """What to type to see it again: the kept folder is shorter than the whole plan."""
        result = self.run.result
        if self.page is None:
            return result.replay_command
        return result.again(_short(self.page.parent, base))

    def lines(self, base: Path) -> list[str]:
        """What stands below the failure."""
        where = _short(self.page, base) if self.page else self.problem
        return [*([f"report: {where}"] if where else []), f"replay: {self.again(base)}"]


class Attempt:
    """The runs of an attempt at a test, in order: the last of them whole, to be kept if it fails;
    of those before what the summary says of them, since a test may make thousands.
    """

    def __init__(self, base: Path) -> None:
        self._base = base
        self._told: list[Noted | list[str]] = []
        self._asserted: list[Noted] = []  # made before this attempt, as by a fixture of a module
        self._whole = self._phase = 0

    def note(self, run: Run) -> None:
        self._told.append(Noted(run))
        if len(self._told) - self._whole > MOST_KEPT:
            self._told[self._whole] = self._row(self._told[self._whole])
            self._whole += 1

    def blame(self, run: Run) -> None:
        """The test failed because of that run, whoever made it."""
        if all(noted.run is not run for noted in self._noted()):
            self._asserted.append(Noted(run))

    def keep(self, item: pytest.Item) -> list[str]:
        """Keep the runs where they are not yet kept; what stands below the failure."""
        for place, told in enumerate(self._told):
            if isinstance(told, Noted):
                self._told[place] = _kept(told, item)
        self._asserted = [_kept(noted, item) for noted in self._asserted]
        return [line for noted in self._noted() for line in noted.lines(self._base)]

    def end_phase(self) -> list[list[str]]:
        """What the summary says of the runs of the phase that ends."""
        begun, self._phase = self._phase, len(self._told)
        return [self._row(told) for told in self._told[begun:]]

    def rows(self) -> list[list[str]]:
        """What the summary says of all of them."""
        return [self._row(told) for told in self._told]

    def _noted(self) -> list[Noted]:
        return [told for told in self._told if isinstance(told, Noted)] + self._asserted

    def _row(self, told: Noted | list[str]) -> list[str]:
        return told.row(self._base) if isinstance(told, Noted) else told


def _kept(noted: Noted, item: pytest.Item) -> Noted:
    root = _root(item.config)
    if root is None or noted.page is not None:
        return noted
    try:
        _prepare(root)
        return noted._replace(page=_save(noted.run, root / folder_of(item.nodeid)), problem="")
    except OSError as error:
        problem = f"expected to write it below {root}, found: {error.strerror}"
        return noted._replace(problem=problem)


def write_index(config: pytest.Config, rows: Sequence[tuple[str, list[str], bool]]) -> Path | None:
    """Write one page that links to those of all failing runs, if there are several; where it is.

    ``rows``: the test, what the summary says of its run, and whether the test was run again. An
    index of an earlier session goes. Where nothing can be written, each run has said so.
    """
    root, base = _root(config), config.invocation_params.dir
    if root is None:
        return None
    index = root / INDEX
    kept = [(test, row, rerun) for test, row, rerun in rows if row[3]]
    if len(kept) < 2:
        with suppress(OSError):
            index.unlink()
        return None
    from .reports.session import FailingRun, page
    from .whole_file import write_whole

    shown = [
        FailingRun(test, verdict, name, again, os.path.relpath(base / page_, root), rerun)
        for test, (verdict, name, again, page_), rerun in kept
    ]
    try:
        write_whole(index, page(shown))
    except OSError:
        return None
    return index


def forget(item: pytest.Item) -> None:
    """Remove what was kept of the test when it was run before, and nothing else."""
    root = _root(item.config)
    if root is not None and root.is_dir():
        folder = root / folder_of(item.nodeid)
        if any(folder.glob(f"*/{REPLAY}")):
            shutil.rmtree(folder, ignore_errors=True)


def base_of(config: pytest.Config) -> Path:
    """The folder of the project: where pytest's settings are, else where pytest was started."""
    return config.inipath.parent if config.inipath else config.invocation_params.dir


def folder_of(test: str) -> str:
    """A folder's name for the test of that node id.

    Parameters that do not fit into a name are told apart by a sum.
    """
    name, _, parameters = test.replace("::", "-").partition("[")
    whole = _name("-".join(filter(None, [name, parameters.removesuffix("]")])))
    if re.fullmatch(r"[A-Za-z0-9._-]*", parameters.removesuffix("]")):
        return whole
    return f"{whole}-{zlib.crc32(test.encode()):08x}"


def _root(config: pytest.Config) -> Path | None:
    """Below which folder failing tests are kept; None: nowhere."""
    if asked := config.getoption("--jobquake-report"):
        return config.invocation_params.dir / str(asked)
    setting = str(config.getini(SETTING)).strip()
    return base_of(config) / setting if setting else None


def _prepare(root: Path) -> None:
    """Make the folder of all tests, which git leaves alone."""
    root.mkdir(parents=True, exist_ok=True)
    ignore = root / ".gitignore"
    if not ignore.exists():
        ignore.write_text("# what jobquake keeps of failing tests\n*\n")


def _save(run: Run, folder: Path) -> Path:
    """Keep the run in a new folder below that one; where its page is."""
    from .harness.run_folder import save
    from .reports import html

    result = run.result
    name = _name(f"{result.scenario}-{result.variant}-{result.seed}")
    taken = len([place for place in folder.glob(f"{name}*") if place.is_dir()])
    place = folder / (f"{name}-{taken + 1}" if taken else name)
    page = html.page(result, run.plan, run.claims, run.history)
    save(run, place, {PAGE: page, REPLAY: result.replay_command + "\n"})
    return place / PAGE


def _name(words: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "-", words)[-LONGEST_NAME:]


def short(path: Path) -> str:
    """The path as it is typed where pytest was started."""
    return os.path.relpath(path)


def _short(path: Path, base: Path) -> str:
    return str(path.relative_to(base) if path.is_relative_to(base) else path)
