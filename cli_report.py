"""The commands ``jobquake report``, ``diff`` and ``schema``: thin. They read kept runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from .experiments import kept_run
from .fault import ENVIRONMENT, Fault
from .publish import GITHUB, Wanted, publisher, write_of_one, write_whole
from .reports.registry import FORMATS

FOLDERS = click.Path(path_type=Path)
STDOUT = Path("-")


def _told() -> str:
    formats = [f"{name} ({form.file}, {form.summary})" for name, form in FORMATS.items()]
    return "; ".join([*formats, f"{GITHUB} (job summary and annotations of a GitHub step)"])


format_option = click.option(
    "--format",
    "formats",
    multiple=True,
    type=click.Choice([*FORMATS, GITHUB]),
    help=f"May be repeated. {_told()}.",
)
earlier_option = click.option(
    "--earlier",
    multiple=True,
    type=FOLDERS,
    metavar="FOLDER",
    help="A report folder of an earlier time, the oldest first; index.html shows the trend.",
)


@click.command("report")
@click.argument("folders", nargs=-1, required=True, type=FOLDERS, metavar="RUN-FOLDER...")
@format_option
@earlier_option
@click.option(
    "--out",
    type=FOLDERS,
    default=STDOUT,
    show_default=True,
    help="The folder to write to; '-': one format on standard output.",
)
def report_command(
    folders: tuple[Path, ...], formats: tuple[str, ...], earlier: tuple[Path, ...], out: Path
) -> int:
    """Make reports of runs that were kept, in any format (text if none is named).

    In a folder, what is of one run lies in a folder named like the run's; what all share lies
    above, with an index.html of several runs.
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
    from .reports.registry import render

    (name, *others) = wanted.formats
    if others or wanted.earlier:
        what = "--earlier" if wanted.earlier else f"{len(wanted.formats)} formats"
        raise Fault(f"expected --out FOLDER with {what}, found none; name a folder")
    if name == GITHUB:
        publishing = publisher(wanted)
        runs = [kept_run(folder) for folder in folders]
        publishing.tell_github(runs, [None] * len(runs))
        return
    if not FORMATS[name].shared and len(folders) > 1:
        raise Fault(
            f"expected one run for the format {name} on standard output, found {len(folders)}; "
            "name one, or a folder with --out"
        )
    click.echo(render(name, [kept_run(folder) for folder in folders]), nl=False)


@click.command("diff")
@click.argument("first", type=FOLDERS, metavar="RUN-A")
@click.argument("second", type=FOLDERS, metavar="RUN-B")
@click.option("--html", type=FOLDERS, metavar="FILE", help="Write it as a page, too.")
def diff_command(first: Path, second: Path, html: Path | None) -> int:
    """Show what sets two kept runs apart; an asterisk marks what differs.

    Verdicts, outcomes, guarantees and what was measured for them, latencies, what was struck,
    configuration and versions. Ends with 0 whether they differ or not.
    """
    from .reports import diff, terminal

    runs = kept_run(first), kept_run(second)
    names = str(first), str(second)
    if html:  # first, since whoever reads the output may stop in the middle
        try:
            html.parent.mkdir(parents=True, exist_ok=True)
            write_whole(html, diff.page(*runs, names))
        except OSError as error:
            raise Fault(
                f"expected to write {html}, found: {error.strerror}; name another file", ENVIRONMENT
            ) from error
    diff.show(*runs, names, terminal.console())
    return 0


@click.command("schema")
def schema_command() -> int:
    """Print the JSON Schema of results, as 'run --json' and the format json write them."""
    from .reports.results_json import schema

    click.echo(schema(), nl=False)
    return 0


def _distinct(names: Sequence[str]) -> list[str]:
    """Folders of the same name from different places get numbers."""
    found: list[str] = []
    for name in names:
        number, distinct = 2, name
        while distinct in found:
            number, distinct = number + 1, f"{name}-{number}"
        found.append(distinct)
    return found
