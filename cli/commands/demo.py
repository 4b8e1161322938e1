"""The command ``jobquake demo``: a failure to look at, of a broken twin or of a real library."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from ... import lookup
from ...errors import UsageError
from ...experiments import Experiment, exit_code, run_experiments
from ..options import report_option

if TYPE_CHECKING:
    from ...backends.adapter import Adapter

DEMO_BACKEND, DEMO_SCENARIO = "twin-ack-before-run", "worker-kill-before-ack"


SECTION = "run"


@click.command("demo")
@click.argument("what", type=click.Choice(["twin", "celery"]), default="twin")
@click.option(
    "--safe",
    is_flag=True,
    help="Celery with late acks: see what that changes.",
)
@report_option
def command(what: str, safe: bool, report: Path) -> int:
    """See a failure: a queue that acks jobs before it runs them, and loses them.

    ``twin`` runs a broken twin (a queue with one known bug) while its workers are killed, and
    exits with 0 if the loss is detected. ``celery`` runs a small app on a real Celery and a real
    Redis, at Celery's defaults, and exits as ``jobquake run`` does.

    \b
    Examples:
      jobquake demo
      jobquake demo celery
    """
    if what == "celery":
        return _celery(safe, report)
    if safe:
        raise UsageError("expected --safe beside celery, found it alone; try: demo celery --safe")
    adapter = lookup.backend(DEMO_BACKEND)
    click.echo(f"{DEMO_BACKEND}: {adapter.summary}. Its workers are about to be killed.")
    plan = lookup.scenario(DEMO_SCENARIO).plan(0)
    runs = run_experiments([Experiment(plan, None, "process")], [adapter], report, False)
    return 0 if runs[0].result.verdict == "violated" else 4


def _celery(safe: bool, report: Path) -> int:
    from ... import demos

    click.echo(
        "A shop on Celery with late acks. The whole worker is about to be killed, as by a host "
        "that dies." if safe else
        "A shop on Celery at its defaults. The process that runs a job is about to be killed, as "
        "the kernel does when memory is short."
    )  # fmt: skip
    experiment, system = demos.celery(safe)
    runs = run_experiments([experiment], [cast("Adapter", system)], report, False)
    return exit_code(runs)
