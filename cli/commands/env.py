"""The command ``jobquake env``: environments of their own for libraries under test."""

from __future__ import annotations

import click

from ...errors import UsageError

SECTION = "run"
of_python = click.option(
    "--python", metavar="VERSION|PATH",
    help="Python to make it with, such as 3.11; by default the one that runs jobquake.",
)  # fmt: skip


class OrLibraries(click.Group):
    """Besides its commands, each library whose apps jobquake knows is one, which makes its own."""

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        from ...frameworks.sign import names, sign

        if name not in names() or name in self.commands:
            return super().get_command(context, name)
        pins = sign(name).pins
        told = f"Make the environment of {sign(name).title}: {' '.join(pins)}. Print its Python."
        return click.command(name, help=told)(of_python(lambda python: _make(pins, python)))


@click.group("env", cls=OrLibraries)
def command() -> None:
    """Make and keep Python environments with exact versions of libraries.

    They lie in the user's cache (XDG_CACHE_HOME), one for each set of versions and each Python, and
    are made once. The name of a library makes the one that jobquake was tried with; 'jobquake list'
    names them.

    \b
    Examples:
      jobquake env rq
      jobquake env make celery==5.6.3 redis==7.4.1 --python 3.11
      jobquake env list
      jobquake env remove --all
    """


@command.command("make")
@click.argument("pins", nargs=-1, required=True, metavar="PACKAGE==VERSION...")
@of_python
def make(pins: tuple[str, ...], python: str | None) -> None:
    """Make an environment, unless it is there, and print the path of its Python.

    \b
    Example:
      jobquake env make celery==5.6.3 redis==7.4.1
    """
    _make(pins, python)


def _make(pins: tuple[str, ...], python: str | None) -> None:
    from ...environments.cache import environment

    click.echo(environment(*pins, python=python))


@command.command("list")
def list_them() -> None:
    """List the environments: name, version of Python, packages.

    \b
    Example:
      jobquake env list
    """
    from ...environments.cache import environments

    for found in environments():
        click.echo(f"{found.name}  {found.version}  {' '.join(found.pins)}")


@command.command("remove")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--all", "everything", is_flag=True, help="Remove every environment.")
def remove(names: tuple[str, ...], everything: bool) -> None:
    """Remove environments by the names that 'jobquake env list' shows.

    \b
    Example:
      jobquake env remove --all
    """
    from ...environments import cache

    if bool(names) == everything:
        found = "both" if names else "neither"
        raise UsageError(f"expected names or --all, found {found}; choose one of them")
    cache.remove([found.name for found in cache.environments()] if everything else names)
