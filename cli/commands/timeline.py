"""The command ``jobquake timeline``: one page of every event of a kept run."""

from __future__ import annotations

from pathlib import Path

import click

from ...errors import EnvironmentFault
from ...experiments import check_writable, kept_run
from ...whole_file import write_whole
from .. import complete

PAGE = "timeline.html"


SECTION = "tell"


@click.command("timeline")
@click.argument(
    "folder", metavar="RUN-FOLDER", type=click.Path(path_type=Path), shell_complete=complete.runs
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help=f"File to write. [default: {PAGE} in the run folder]",
)
def command(folder: Path, out: Path | None) -> int:
    """Write an interactive timeline of a kept run: every event, on one HTML page.

    The page can be panned, zoomed, searched and filtered. A history of more than a million
    events is sampled: every fault and every finding is on the page, and the page says so.

    \b
    Example:
      jobquake timeline jobquake-runs/network-timeout-default-reference-sim-0
    """
    from ...harness.record.facts import Facts
    from ...reports.timeline import timeline_page

    kept = kept_run(folder)
    page = out or folder / PAGE
    check_writable(page.parent, "--out")
    html = timeline_page(kept.result, Facts(kept.plan, kept.claims, kept.history))
    try:
        write_whole(page, html)
    except OSError as error:
        raise EnvironmentFault(
            f"expected to write the timeline to {page}, found: {error.strerror}; "
            "name another place with --out"
        ) from error
    click.echo(page)
    return 0
