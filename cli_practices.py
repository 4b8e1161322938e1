"""The command ``jobquake practices``: thin. It runs each practice with and without."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from . import lookup as names

if TYPE_CHECKING:
    from .harness.run import Driver


@click.command("practices")
@click.option(
    "--driver",
    type=click.Choice(["process", "sim"]),
    default="sim",
    show_default=True,
    help="Real processes take some minutes.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
def practices_command(driver: Driver, seed: int) -> int:
    """Print the table of practices, each with and without, as Markdown.

    Exits with 4 if a practice does not make the difference that it should.
    """
    from .harness.run import run
    from .reports.practices import Row, markdown
    from .scenarios.practices import PRACTICES

    rows = []
    for practice in PRACTICES:
        scenario = names.scenario(practice.scenario)
        plan = scenario.plan(seed)
        twin, _, variant = practice.without.partition(":")
        without = scenario.plan(seed, variant) if variant else plan
        chosen = scenario.driver or driver
        having = run(plan, names.backend("reference"), chosen).result
        lacking = run(without, names.backend(twin or "reference"), chosen).result
        rows.append(Row(practice.name, having, lacking))
    click.echo(markdown(rows, f"jobquake practices --driver {driver} --seed {seed}"))
    made = all((row.having.verdict, row.lacking.verdict) == ("held", "violated") for row in rows)
    return 0 if made else 4
