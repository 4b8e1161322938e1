"""What is kept of a failing test: a folder with each of its runs, for a person or a CI server.

    .jobquake/test_shop.py-test_no_charge_is_lost/worker-kill-before-ack-worker-0/report.html

Beside the page lie plan, history and result, so that ``jobquake replay`` and ``jobquake report``
take the folder, and ``replay.txt`` with the command that needs no folder.
"""

from __future__ import annotations

import re
import shlex
import shutil
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from .harness.run import Run

SETTING, FOLDER = "jobquake_artifacts", ".jobquake"
PAGE, REPLAY = "report.html", "replay.txt"
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
        folder = shlex.quote(_short(self.page.parent, base))
        return result.replay_command.replace(f"'{result.replay}'", folder)

    def lines(self, base: Path) -> list[str]:
        """What stands below the failure."""
        where = _short(self.page, base) if self.page else self.problem
        return [*([f"report: {where}"] if where else []), f"replay: {self.again(base)}"]


def keep(item: pytest.Item, runs: Mapping[int, Noted]) -> dict[int, Noted]:
    """Keep the last of these runs of the test, where they are not yet kept."""
    root, kept = _root(item.config), dict(runs)
    if root is None:
        return kept
    for number, noted in list(kept.items())[-MOST_KEPT:]:
        try:
            _prepare(root)
            page = noted.page or _save(noted.run, root / folder_of(item.nodeid))
            kept[number] = noted._replace(page=page, problem="")
        except OSError as error:
            problem = f"expected to write it below {root}, found: {error.strerror}"
            kept[number] = noted._replace(problem=problem)
    return kept


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


def _short(path: Path, base: Path) -> str:
    return str(path.relative_to(base) if path.is_relative_to(base) else path)
