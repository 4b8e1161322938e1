"""The command ``jobquake list``: what can be run, and on what."""

from __future__ import annotations

import click

SECTION = "look"


@click.command("list")
def command() -> None:
    """List the scenarios and the backends (the queues that can be tested).

    A backend named twin-... is a broken twin: the reference queue with one bug put in, which
    shows that the checks can fail.

    \b
    Example:
      jobquake list
    """
    from ...backends import registry as backends
    from ...errors import BrokenPlugin
    from ...reports.plain import one_line
    from ...scenarios import registry as scenarios

    click.echo("Scenarios:")
    for name in scenarios.names():
        try:
            scenario = scenarios.find(name)
        except BrokenPlugin as error:
            click.echo(f"  {name:<24} cannot be imported: {one_line(str(error))}")
            continue
        only = f" (driver {scenario.driver} only)" if scenario.driver else ""
        click.echo(f"  {name:<24} {scenario.summary}{only}")
        for variant in scenario.variants[1:]:
            check = scenario.controls.get(variant)
            note = f"control: must violate {check}" if check else "variant"
            click.echo(f"    {name}:{variant}  {note}")
    click.echo("Backends:")
    for name in backends.names():
        try:
            adapter = backends.find(name)
        except BrokenPlugin as error:
            click.echo(f"  {name:<31} cannot be imported: {one_line(str(error))}")
            continue
        caught = f" (caught by {adapter.violates})" if adapter.violates else ""
        click.echo(f"  {name:<31} {adapter.summary}{caught}")
        if bug_class := getattr(adapter, "bug_class", ""):  # of our own twins
            click.echo(f"    bug class: {bug_class}")
