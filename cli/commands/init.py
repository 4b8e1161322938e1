"""The command ``jobquake init``: writes the beginning of something that you make yourself."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import click

from ...errors import UsageError
from ..new_files import write_new

SECTION = "write"
SKELETON = Path(__file__).parent.parent / "skeleton"
NAMED = {
    "jobquake_my_queue.py": "jobquake_{module}.py",
    "contract_of_my_queue.py": "test_jobquake_{module}.py",
}
ENTRY = """\
[project.entry-points."jobquake.backends"]
{name} = "jobquake_{module}:BACKEND"
"""
PROJECT = """\
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "jobquake-{name}"
version = "0.1.0"
dependencies = ["jobquake"]

{entry}
[tool.setuptools]
py-modules = ["jobquake_{module}"]
"""


@click.group("init", invoke_without_command=True)
@click.option(
    "--app",
    "target",
    metavar="MODULE:NAME",
    help="Your app, if jobquake does not find it: as it is named for its workers.",
)
@click.option("--task", default="", help="The task to call [default: one of jobquake's own].")
@click.option(
    "--args",
    "arguments",
    default="",
    metavar="JSON|MODULE:FUNCTION",
    help="Its arguments: JSON, or a function of yours that is given the job's number.",
)
@click.option(
    "--python", default=sys.executable, metavar="PATH", help="The app's Python [default: this one]."
)
@click.option("--run/--no-run", "runs", default=True, help="Whether to run the test, too.")
@click.pass_context
def command(
    context: click.Context, target: str | None, task: str, arguments: str, python: str, runs: bool
) -> int:
    """Write a test of your app and a CI step, and run the test.

    Finds the app by reading the sources below this folder, unless --app or [tool.jobquake] of
    pyproject.toml names one, and asks the app's own Python about it.
    Nothing that is there is overwritten. What the test finds is told, and is no failure of this
    command. 'jobquake init adapter' writes the beginning of an adapter for a queue of yours.

    \b
    Examples:
      jobquake init
      jobquake init --app shop.celery:app --task shop.charge --args '[1]'
      jobquake init adapter my-queue
    """
    if context.invoked_subcommand:
        return 0
    from ...project import project_of
    from ..app_start import Wanted, start

    named = target or project_of(Path.cwd()).app
    return start(Path.cwd(), Wanted(named, task, arguments, python), runs)


@command.command("adapter")
@click.argument("name", default="my-queue")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="Folder to write into [default: this one].",
)
def adapter(name: str, out: Path) -> int:
    """Write an adapter for the queue NAME [default: my-queue] and the tests of its contract.

    What is left to write says so, method by method, when the contract is run. Nothing that is
    there is overwritten: where there is a pyproject.toml, the lines to add to it are printed.

    \b
    Example:
      jobquake init adapter my-queue --out jobquake-my-queue
    """
    _see_name(name)
    words = {"name": name, "module": name.replace("-", "_")}
    files = {
        out / file.format(**words): _renamed((SKELETON / source).read_text(), name)
        for source, file in NAMED.items()
    }
    entry = ENTRY.format(**words)
    project = out / "pyproject.toml"
    has_project = project.exists()
    if not has_project:
        files[project] = PROJECT.format(entry=entry, **words)
    write_new(files)
    for file in files:
        click.echo(f"wrote {file}")
    if has_project:
        click.echo(f"\nadd to {project}, so that jobquake finds {name} by its name:\n\n{entry}")
    adapter_file, test_file, *_ = files
    left = re.findall(r'NotImplementedError\(\s*"(\w+):', files[adapter_file])
    click.echo(f"left to write in {adapter_file.name}: {', '.join(left)}")
    click.echo(f"next: python -m pytest -x {test_file}")
    return 0


def _see_name(name: str) -> None:
    """Raise UsageError unless a backend can have this name."""
    from ...backends import registry

    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        raise UsageError(
            f"expected a name of small letters, digits and single dashes, such as my-queue, found "
            f"{name!r}"
        )
    if name in registry.names():
        raise UsageError(f"expected a name that no backend has, found {name!r}; choose another")


def _renamed(text: str, name: str) -> str:
    """The skeleton's text about the queue of that name, as a module that lies in no package."""
    parts = name.split("-")
    return (
        text.replace("\nfrom .", "from ")
        .replace("MyQueue", "".join(part.capitalize() for part in parts))
        .replace("my_queue", "_".join(parts))
        .replace("my-queue", name)
    )
