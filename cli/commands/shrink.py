"""The command ``jobquake shrink``: thin; it makes a failing plan small."""

from __future__ import annotations

from pathlib import Path

import click

from ... import lookup
from ...experiments import check_writable, packed_of
from .. import complete
from ..findings import ORACLE, confirm_keep_tell, confirm_option, failures_option
from ..options import full_option
from ..os_errors import os_errors_told

SECTION = "run"


@click.command("shrink")
@click.argument("what", metavar="STRING|RUN-FOLDER", shell_complete=complete.runs)
@click.option(
    "--backend",
    shell_complete=complete.backends,
    help="Use this backend instead of the one in the string.",
)
@click.option(
    "--guarantee",
    help="The violation to keep while shrinking. [default: the first violated guarantee]",
)
@click.option(
    "--trials", type=click.IntRange(min=1), default=20, show_default=True,
    help="Runs on real processes that measure how often the plan fails, if 'sim' shows no failure.",
)  # fmt: skip
@click.option(
    "--confidence",
    type=click.FloatRange(min=0.5, max=0.999),
    default=0.95,
    show_default=True,
    help="Confidence with which a smaller plan that fails as often is detected.",
)
@confirm_option
@failures_option
@full_option
def command(
    what: str,
    backend: str | None,
    guarantee: str | None,
    trials: int,
    confidence: float,
    confirm: int,
    failures: Path,
    full: bool,
) -> int:
    """Make a failing plan as small as possible, from its replay string or run folder.

    The plan is tried in virtual time first, and shrunk there if it fails. Otherwise it is
    shrunk on real processes, by repeated trials.

    \b
    Example:
      jobquake shrink 'jq1:...' --guarantee no_lost_work
    """
    from ...harness.result import EXIT
    from ...harness.shrink.anywhere import NothingBroken, shrunk_anywhere
    from ...reports import terminal

    packed, _ = packed_of(what)
    adapter = lookup.backend(backend or packed.backend)
    check_writable(failures)
    console = terminal.console()
    oracle = None if adapter.name == ORACLE else lookup.backend(ORACLE)
    with os_errors_told(), console.status("shrinking") as status:
        try:
            failure, run = shrunk_anywhere(
                packed.plan, adapter, guarantee, oracle, trials, confidence, status.update
            )
        except NothingBroken as error:
            console.print(str(error), soft_wrap=True)
            return EXIT["inconclusive"]
    with os_errors_told():
        confirm_keep_tell(failure, run, adapter, failures, confirm, console, full)
    return EXIT["violated"]
