"""What ``explore`` and ``shrink`` share: a shrunk failure is confirmed, kept and shown."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .options import FAILURES

if TYPE_CHECKING:
    from rich.console import Console

    from ..backends.adapter import Adapter
    from ..harness.run import Run
    from ..harness.shrink.failure import Failure

ORACLE = "reference"

failures_option = click.option(
    "--failures",
    type=click.Path(path_type=Path, file_okay=False),
    default=FAILURES,
    show_default=True,
    help="Folder for failures, each with its report and a pytest test.",
)
confirm_option = click.option(
    "--confirm",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    metavar="N",
    help="Run each shrunk plan N times on real processes and report how often it fails.",
)


def confirm_keep_tell(
    failure: Failure,
    run: Run,
    adapter: Adapter,
    failures: Path,
    confirm: int,
    console: Console,
    full: bool,
) -> None:
    from msgspec.structs import replace

    from ..harness.run_folder import save
    from ..harness.shrink.kept import keep
    from ..harness.shrink.reproduction import reproduce
    from ..reports import exploration, html, text

    if confirm:
        with console.status("on real processes") as status:
            reproduction = reproduce(
                run.plan, failure.guarantee, adapter, confirm, lambda r: status.update(r.sentence)
            )
        failure = replace(failure, reproduction=reproduction)
    folder = keep(failure, failures)
    again = "" if full else run.result.again(str(folder / "run"))
    page = html.page(run.result, run.plan, run.claims, run.history, failure)
    save(run, folder / "run", {"report.html": page})
    for line in exploration.failure_lines(failure, text.picture(run), again):
        console.print(line, soft_wrap=True)
    console.print(f"report: {folder / 'run' / 'report.html'}", soft_wrap=True)
    console.print(f"test:   {next(folder.glob('test_*.py'))}", soft_wrap=True)
    if full:
        console.print(failure.test, soft_wrap=True)
