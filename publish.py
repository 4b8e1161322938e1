"""Reports that many runs share, and what a CI server is told of them: written after the runs.

Whatever can go wrong with what a user asked for is found out before the runs.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from .errors import EnvironmentFault, UsageError
from .whole_file import write_whole

if TYPE_CHECKING:
    from .harness.run import Run
    from .harness.skipped import Skipped
    from .reports.index import Earlier

GITHUB = "github"
INDEX = "index.html"


class Wanted(NamedTuple):
    """What is to be written besides the pages: formats by name, and the trend since ``earlier``.

    ``github`` among the formats stands for the job summary and the annotations of a step. ``full``:
    replay strings as they are, instead of the folders that hold them.
    """

    formats: tuple[str, ...] = ()
    earlier: tuple[Path, ...] = ()
    full: bool = False

    @property
    def files(self) -> tuple[str, ...]:
        """The formats that are written into files of their own."""
        return tuple(name for name in self.formats if name != GITHUB)


PAGES_ONLY = Wanted()


class Publisher(NamedTuple):
    """Writes what was asked for, once there are runs. ``pages``: where the page of each run is."""

    formats: tuple[str, ...]
    earlier: tuple[Earlier, ...]
    summary: Path | None

    def write(
        self,
        runs: Sequence[Run],
        pages: Sequence[Path | None],
        folder: Path,
        missing: Mapping[str, str] | None = None,
        skipped: Sequence[Skipped] = (),
    ) -> list[Path]:
        """The files that the runs share; an index if there is more to show than one run.

        ``missing``: backends that could not be run, and why; ``skipped``: scenarios on them.
        """
        from .reports import index
        from .reports.registry import files_of_all

        texts = files_of_all(self.formats, runs, skipped)
        if len(runs) > 1 or self.earlier or missing or skipped:
            shown = [
                index.ShownRun(run.result, page.relative_to(folder).as_posix() if page else None)
                for run, page in zip(runs, pages, strict=True)
            ]
            texts[INDEX] = index.page(
                shown, self.earlier, missing, [skip.sentence for skip in skipped]
            )
        return _write(folder, texts)

    def tell_github(
        self,
        runs: Sequence[Run],
        pages: Sequence[Path | None],
        output_is_taken: bool = False,
        skipped: Sequence[Skipped] = (),
    ) -> None:
        """Add to the step's summary, and print its annotations, if that was asked for."""
        if self.summary is None:
            return
        from .reports.github import annotations_of, append_summary

        try:
            append_summary(runs, self.summary, skipped)
        except OSError as error:
            raise _unwritable(self.summary, error) from error
        for line in annotations_of(runs, pages):
            click.echo(line, err=output_is_taken)


def publisher(wanted: Wanted) -> Publisher:
    """See that all that was asked for can be had. Raises :class:`JobquakeError`."""
    from .harness.run_folder import results_in
    from .reports.index import Earlier

    earlier = []
    for folder in wanted.earlier:
        results = results_in(folder)
        if not results:
            raise UsageError(
                f"expected --earlier with a folder of run folders, found none in {folder}; "
                "name one that 'jobquake run --report' wrote"
            )
        earlier.append(Earlier(folder.resolve().name, results))
    summary = _step_summary() if GITHUB in wanted.formats else None
    return Publisher(wanted.files, tuple(earlier), summary)


def write_of_one(folder: Path, run: Run, formats: Sequence[str]) -> Path | None:
    """Write what belongs into the folder of one run; where its page is, if there is one."""
    from .reports.registry import FORMATS, files_of_one

    written = _write(folder, files_of_one(formats, run))
    return next((file for file in written if file.name == FORMATS["html"].file), None)


def _step_summary() -> Path:
    from .reports.github import VARIABLE

    if not (path := os.environ.get(VARIABLE)):
        raise UsageError(
            f"expected ${VARIABLE}, which GitHub Actions sets, found nothing; "
            "use --format markdown for a file"
        )
    return Path(path)


def _write(folder: Path, texts: Mapping[str, str]) -> list[Path]:
    files = [folder / name for name in texts]
    for file, text in zip(files, texts.values(), strict=True):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            write_whole(file, text)
        except OSError as error:
            raise _unwritable(file, error) from error
    return files


def _unwritable(file: Path, error: OSError) -> EnvironmentFault:
    return EnvironmentFault(
        f"expected to write {file}, found: {error.strerror}; name another place"
    )
