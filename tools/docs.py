"""Makes the pages of docs/ that tell measured facts: prints one, as Markdown.

    python tools/docs.py practices > docs/practices.md
    python tools/docs.py duplicates > docs/duplicates.md
    python tools/docs.py promises > docs/promises.md

Exits with 4 if what is measured is not what the page is there to show.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from jobquake import lookup
from jobquake.cli.boundary import run_and_exit

if TYPE_CHECKING:
    from jobquake.harness.run import Driver

DUPLICATES = ("duplicate-a-day-later", "every-gap")
_seed = click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)


@click.group()
def docs() -> None:
    """Print a page of jobquake's documentation."""


@docs.command("practices")
@click.option(
    "--driver",
    type=click.Choice(["process", "sim"]),
    default="sim",
    show_default=True,
    help="Real processes take some minutes.",
)
@_seed
def practices(driver: Driver, seed: int) -> int:
    """The table of practices, each with and without."""
    from jobquake.harness.run import run
    from jobquake.reports.practices import Row, markdown
    from jobquake.scenarios.practices import PRACTICES

    rows = []
    for practice in PRACTICES:
        scenario = lookup.scenario(practice.scenario)
        plan = scenario.plan(seed)
        twin, _, variant = practice.without.partition(":")
        without = scenario.plan(seed, variant) if variant else plan
        chosen = scenario.driver or driver
        having = run(plan, lookup.backend("reference"), chosen).result
        lacking = run(without, lookup.backend(twin or "reference"), chosen).result
        rows.append(Row(practice.name, having, lacking))
    command = f"python tools/docs.py practices --driver {driver} --seed {seed}"
    click.echo(markdown(rows, command))
    made = all((row.having.verdict, row.lacking.verdict) == ("held", "violated") for row in rows)
    return 0 if made else 4


@docs.command("duplicates")
@click.option("--backend", default="reference", show_default=True, help="The queue to try.")
@_seed
def duplicates(backend: str, seed: int) -> int:
    """What catches work that is submitted twice: at once, seconds later, a day later."""
    from jobquake.harness.run import run
    from jobquake.reports.duplicates import markdown

    scenario, variant = DUPLICATES
    plan = lookup.scenario(scenario).plan(seed, variant)
    result = run(plan, lookup.backend(backend), "sim").result
    command = "python tools/docs.py duplicates"
    command += f" --backend {backend}" if backend != "reference" else ""
    command += f" --seed {seed}" if seed else ""
    click.echo(markdown(result, command), nl=False)
    return 0 if result.duplicates else 4


@docs.command("promises")
def promises() -> int:
    """What a queue promises, both sides of it, and where each is judged."""
    from jobquake.harness.checks import CHECKS
    from jobquake.harness.explore.parts import JUDGED
    from jobquake.reports.promise_table import Row, markdown
    from jobquake.scenarios import registry
    from jobquake.scenarios.promises import PROMISES

    plans = [lookup.scenario(name).plan(0) for name in registry.names()]
    rows = []
    for promise in PROMISES:
        check = CHECKS[promise.check]
        named = sum(promise.check in plan.guarantees for plan in plans)
        names = [f"twin-{name}" for name in promise.twins]
        tests = {str(getattr(lookup.backend(name), "contract_test", "")): None for name in names}
        rows.append(
            Row(
                promise.promise,
                promise.side,
                promise.check,
                claims=check.claims,
                excuses=check.excused_by,
                run="always" if check.always else f"where named: {named} of {len(plans)} scenarios",
                explore="yes" if promise.check in JUDGED else "no: its plans name no cells",
                contract=list(tests),
                twins=names,
                why=promise.why,
            )
        )
    click.echo(markdown(rows, "python tools/docs.py promises"), nl=False)
    return 0


if __name__ == "__main__":
    run_and_exit(docs, "docs.py")
