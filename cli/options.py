"""Options that several commands share, by name."""

from __future__ import annotations

from math import inf
from pathlib import Path

import click

from ..publish import GITHUB
from ..quantities import DURATION, SECONDS
from ..reports.registry import FORMATS

# Where pages are kept, below the folder in which a command is run.
REPORTS, FAILURES, SOAK = Path("jobquake-runs"), Path("jobquake-failures"), Path("jobquake-soak")
OF_TESTS = Path(".jobquake")
KEPT = (REPORTS, FAILURES, SOAK, OF_TESTS)
FOLDERS = click.Path(path_type=Path)

backend_option = click.option("--backend", help="The queue to test; 'jobquake list' names them.")
driver_option = click.option(
    "--driver",
    type=click.Choice(["process", "sim"]),
    help="Run on real processes, or in virtual time.",
)
toxiproxy_option = click.option(
    "--toxiproxy",
    default="embedded",
    show_default=True,
    metavar="embedded|PROGRAM|URL",
    help="The proxy between real processes: the built-in one, a toxiproxy-server program to "
    "start, or the URL of one that is running.",
)
time_option = click.option(
    "--time",
    type=click.Choice(["leap", "real"]),
    help="Let the time of real processes leap while all of them wait, or pass as it does "
    "[default: leap, where it can]",
)
confirm_option = click.option(
    "--confirm",
    "confirm_s",
    type=SECONDS,
    metavar="DURATION",
    help="Repeat a violation that leaping time shows in real time if the run took no longer; one "
    "that vanishes there is a fault of jobquake's, and the exit code is 4; 0s: never "
    "[default: 60s]",
)
report_option = click.option(
    "--report",
    type=click.Path(path_type=Path),
    default=REPORTS,
    show_default=True,
    help="Folder for the runs and their HTML reports; a name that ends in .html writes one page.",
)
expect_option = click.option(
    "--expect",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Pass only if what is shown is what this file says: nothing worse, nothing better.",
)
record_option = click.option(
    "--record",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write what is shown as such a file; reasons that it has stay.",
)
full_option = click.option(
    "--full",
    is_flag=True,
    help="Print replay strings in full instead of the folders that hold them.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
seed_option = click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Seed of every random choice: the same seed makes the same plan.",
)


def _all_formats() -> str:
    formats = [f"{name} ({form.file}, {form.summary})" for name, form in FORMATS.items()]
    return "; ".join([*formats, f"{GITHUB} (job summary and annotations on GitHub Actions)"])


format_option = click.option(
    "--format",
    "formats",
    multiple=True,
    type=click.Choice([*FORMATS, GITHUB]),
    help=f"Also write this format; may be repeated. {_all_formats()}.",
)
earlier_option = click.option(
    "--earlier",
    multiple=True,
    type=FOLDERS,
    metavar="FOLDER",
    help="Report folder of earlier runs, oldest first; may be repeated. index.html then shows "
    "the trend.",
)

# Of commands that play many runs and can go on where one ended.
budget_option = click.option(
    "--budget",
    "budget_s",
    type=DURATION,
    default=inf,
    metavar="DURATION",
    help="Begin no run after this time, such as 180 or 3min; the same command goes on later "
    "[default: no limit].",
)
parallel_option = click.option(
    "--parallel",
    type=click.IntRange(1, 32),
    default=2,
    show_default=True,
    help="How many runs at once, each on servers of its own.",
)
fresh_option = click.option(
    "--fresh", is_flag=True, help="Begin anew instead of going on where one ended."
)
