"""The command ``jobquake diff``: what sets two kept runs apart."""

from __future__ import annotations

from pathlib import Path

import click

from ...experiments import ENVIRONMENT, Fault, kept_run, write_whole
from ..options import FOLDERS

SECTION = "tell"


@click.command("diff")
@click.argument("first", type=FOLDERS, metavar="RUN-A")
@click.argument("second", type=FOLDERS, metavar="RUN-B")
@click.option("--html", type=FOLDERS, metavar="FILE", help="Write it as a page, too.")
def command(first: Path, second: Path, html: Path | None) -> int:
    """Show what sets two kept runs apart; an asterisk marks what differs.

    Verdicts, outcomes, guarantees and what was measured for them, latencies, what was struck,
    configuration and versions. Ends with 0 whether they differ or not.
    """
    from ...reports import diff, terminal

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
