"""The command ``jobquake report``: reports of runs that were kept."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from ...errors import UsageError
from ...experiments import Wanted, kept_run
from ...publish import GITHUB, publisher, write_of_one
from ...reports.registry import FORMATS
from ..options import FOLDERS, earlier_option, format_option

STDOUT = Path("-")


SECTION = "tell"


@click.command("report")
@click.argument("folders", nargs=-1, required=True, type=FOLDERS, metavar="RUN-FOLDER...")
@format_option
@earlier_option
@click.option(
    "--out",
    type=FOLDERS,
    default=STDOUT,
    show_default=True,
    help="Folder to write to; '-' prints one format.",
)
def command(
    folders: tuple[Path, ...], formats: tuple[str, ...], earlier: tuple[Path, ...], out: Path
) -> int:
    """Write reports of kept runs, in any format.

    Without --format, prints text. With --out, per-run files go to OUT/RUN/, shared files to
    OUT/; several runs get an OUT/index.html.

    \b
    Examples:
      jobquake report jobquake-runs/network-timeout-default-reference-sim-0
      jobquake report jobquake-runs/* --format html --format junit --out reports
    """
    wanted = Wanted(tuple(dict.fromkeys(formats)) or ("text",), earlier)
    if out == STDOUT:
        _to_stdout(folders, wanted)
        return 0
    publishing = publisher(wanted)
    runs = [kept_run(folder) for folder in folders]
    names = _distinct([folder.resolve().name for folder in folders])
    pages = [
        write_of_one(out / name, run, wanted.files) for name, run in zip(names, runs, strict=True)
    ]
    for name in names:
        if wanted.files and (out / name).is_dir():
            click.echo(f"written: {out / name}")
    for file in publishing.write(runs, pages, out):
        click.echo(f"written: {file}")
    publishing.tell_github(runs, pages)
    return 0


def _to_stdout(folders: Sequence[Path], wanted: Wanted) -> None:
    from ...reports.registry import render

    (name, *others) = wanted.formats
    if others or wanted.earlier:
        what = "--earlier" if wanted.earlier else f"{len(wanted.formats)} formats"
        raise UsageError(f"expected --out FOLDER with {what}, found none; name a folder")
    if name == GITHUB:
        publishing = publisher(wanted)
        runs = [kept_run(folder) for folder in folders]
        publishing.tell_github(runs, [None] * len(runs))
        return
    if not FORMATS[name].shared and len(folders) > 1:
        raise UsageError(
            f"expected one run for the format {name} on standard output, found {len(folders)}; "
            "name one, or a folder with --out"
        )
    click.echo(render(name, [kept_run(folder) for folder in folders]), nl=False)


def _distinct(names: Sequence[str]) -> list[str]:
    """Folders of the same name from different places get numbers."""
    found: list[str] = []
    for name in names:
        number, distinct = 2, name
        while distinct in found:
            number, distinct = number + 1, f"{name}-{number}"
        found.append(distinct)
    return found
