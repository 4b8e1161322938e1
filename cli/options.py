"""Options that several commands share, by name."""

from __future__ import annotations

from pathlib import Path

import click

from ..publish import GITHUB
from ..reports.registry import FORMATS

REPORTS = Path("jobquake-runs")
FOLDERS = click.Path(path_type=Path)

backend_option = click.option("--backend", help="The queue to shake; see 'jobquake list'.")
driver_option = click.option(
    "--driver", type=click.Choice(["process", "sim"]), help="Real processes, or virtual time."
)
toxiproxy_option = click.option(
    "--toxiproxy",
    default="embedded",
    show_default=True,
    metavar="embedded|PROGRAM|URL",
    help="Whose network real processes use: ours, a toxiproxy-server, or one that runs.",
)
report_option = click.option(
    "--report",
    type=click.Path(path_type=Path),
    default=REPORTS,
    show_default=True,
    help="Where run folders with their HTML reports go; a name ending in .html is one page.",
)
json_option = click.option(
    "--json", "as_json", is_flag=True, help="Results as JSON on standard output."
)
seed_option = click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)


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
