"""The command ``jobquake list``: what can be run, and on what."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import click

Thing = TypeVar("Thing")

SECTION = "look"


@click.command("list")
def command() -> None:
    """List the scenarios, the backends (the queues that can be tested) and the libraries of apps.

    A backend named twin-... is a broken twin: the reference queue with one bug put in, which
    shows that the checks can fail.

    \b
    Example:
      jobquake list
    """
    from ...backends import registry as backends
    from ...frameworks.sign import signs
    from ...scenarios import registry as scenarios

    click.echo("Scenarios:")
    for name, scenario in _found(scenarios.names(), scenarios.find, 24):
        only = f" (driver {scenario.driver} only)" if scenario.driver else ""
        click.echo(f"  {name:<24} {scenario.summary}{only}")
        for variant in scenario.variants[1:]:
            check = scenario.controls.get(variant)
            note = f"control: must violate {check}" if check else "variant"
            click.echo(f"    {name}:{variant}  {note}")
    click.echo("Backends:")
    for name, adapter in _found(backends.names(), backends.find, 31):
        caught = f" (caught by {adapter.violates})" if adapter.violates else ""
        click.echo(f"  {name:<31} {adapter.summary}{caught}")
        if bug_class := getattr(adapter, "bug_class", ""):  # of our own twins
            click.echo(f"    bug class: {bug_class}")
    click.echo("Libraries of apps (--app), with the versions that they were tried with:")
    for sign in signs():
        click.echo(f"  {sign.name:<24} {sign.kind}: {' '.join(sign.pins)}")


def _found(
    names: Iterable[str], find: Callable[[str], Thing], width: int
) -> Iterator[tuple[str, Thing]]:
    """Each name with what it stands for. Prints a line for a plugin that cannot be imported."""
    from ...errors import BrokenPlugin
    from ...reports.plain import one_line

    for name in names:
        try:
            found = find(name)
        except BrokenPlugin as error:
            click.echo(f"  {name:<{width}} cannot be imported: {one_line(str(error))}")
        else:
            yield name, found
