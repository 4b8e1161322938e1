"""The command ``jobquake diff``: what sets two kept runs apart."""

from __future__ import annotations

from pathlib import Path

import click

from ...errors import EnvironmentFault
from ...experiments import kept_run
from ...whole_file import write_whole
from ..options import FOLDERS

SECTION = "tell"


@click.command("diff")
@click.argument("first", type=FOLDERS, metavar="RUN-A")
@click.argument("second", type=FOLDERS, metavar="RUN-B")
@click.option(
    "--html", type=FOLDERS, metavar="FILE", help="Also write the comparison as an HTML page."
)
def command(first: Path, second: Path, html: Path | None) -> int:
    """Compare two kept runs; an asterisk marks what differs.

    Compares verdicts, outcomes, guarantees and their measures, latencies, the bite matrix (which
    fault struck jobs in which phase of their life), configuration and versions. Exits with 0
    whether they differ or not.

    \b
    Example:
      jobquake diff jobquake-runs/RUN-A jobquake-runs/RUN-B --html diff.html
    """
    from ...reports import diff, terminal

    runs = kept_run(first), kept_run(second)
    names = str(first), str(second)
    if html:  # first, since whoever reads the output may stop in the middle
        try:
            html.parent.mkdir(parents=True, exist_ok=True)
            write_whole(html, diff.page(*runs, names))
        except OSError as error:
            raise EnvironmentFault(
                f"expected to write {html}, found: {error.strerror}; name another file"
            ) from error
    diff.show(*runs, names, terminal.console())
    return 0
