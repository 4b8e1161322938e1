"""The command ``jobquake timeline``: one page of every event of a kept run."""

from __future__ import annotations

from pathlib import Path

import click

from ...experiments import ENVIRONMENT, Fault, check_writable, kept_run, write_whole

PAGE = "timeline.html"


SECTION = "tell"


@click.command("timeline")
@click.argument("folder", metavar="RUN-FOLDER", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help=f"The page to write; {PAGE} in the run folder if not given.",
)
def command(folder: Path, out: Path | None) -> int:
    """Make the timeline of a run as one page: every event, to pan, zoom, search and filter.

    Of a history of more than a million events it shows a sample that holds every fault and
    every finding, and says so.
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
        raise Fault(
            f"expected to write the timeline to {page}, found: {error.strerror}; "
            "name another place with --out",
            ENVIRONMENT,
        ) from error
    click.echo(page)
    return 0
