"""The command ``jobquake duplicates``: thin. It runs every technique side by side."""

from __future__ import annotations

import click

from . import lookup as names

SCENARIO, VARIANT = "duplicate-a-day-later", "every-gap"


@click.command("duplicates")
@click.option("--backend", default="reference", show_default=True, help="The queue to try.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
def duplicates_command(backend: str, seed: int) -> int:
    """Print what catches work that is submitted twice, and what does not, as Markdown.

    At once, seconds later and a day later, in virtual time. Exits with 4 if the run has
    nothing to show.
    """
    from .harness.run import run
    from .reports.duplicates import markdown

    plan = names.scenario(SCENARIO).plan(seed, VARIANT)
    result = run(plan, names.backend(backend), "sim").result
    command = "jobquake duplicates"
    command += f" --backend {backend}" if backend != "reference" else ""
    command += f" --seed {seed}" if seed else ""
    click.echo(markdown(result, command), nl=False)
    return 0 if result.duplicates else 4
