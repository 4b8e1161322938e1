"""The command ``jobquake demo``: a broken queue, and the report of its failure."""

from __future__ import annotations

from pathlib import Path

import click

from ... import lookup
from ...experiments import Experiment, run_experiments
from ..options import report_option

DEMO_BACKEND, DEMO_SCENARIO = "twin-ack-before-run", "worker-kill-before-ack"


SECTION = "run"


@click.command("demo")
@report_option
def command(report: Path) -> int:
    """See a failure: a queue that acks jobs before it runs them, and loses them.

    Runs a broken twin (a queue with one known bug) while its workers are killed. Exits with 0
    if the loss is detected.

    \b
    Example:
      jobquake demo
    """
    adapter = lookup.backend(DEMO_BACKEND)
    click.echo(f"{DEMO_BACKEND}: {adapter.summary}. Its workers are about to be killed.")
    plan = lookup.scenario(DEMO_SCENARIO).plan(0)
    runs = run_experiments([Experiment(plan, None, "process")], [adapter], report, False)
    return 0 if runs[0].result.verdict == "violated" else 4
