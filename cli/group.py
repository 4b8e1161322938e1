"""The command ``jobquake`` itself: finds a command by its file, and shows all of them by section.

A command's module is imported when the command is run or described, no sooner.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click

from .. import __version__
from ..errors import JobquakeError
from ..listing import files
from . import commands

SECTIONS = {
    "run": "Run (try to break a queue)",
    "look": "Look (see what is here and what you need)",
    "tell": "Tell (report on kept runs)",
    "serve": "Serve (run a server)",
    "write": "Write (begin something of your own)",
}
DOCS = {"practices", "duplicates"}  # were commands until 0.2


class Sentence(click.ClickException):
    """An error of jobquake's family as click shows one, with the exit code that it brings."""

    def __init__(self, error: JobquakeError) -> None:
        super().__init__(str(error))
        self.exit_code = error.exit_code  # type: ignore[misc]


class Commands(click.Group):
    """Its commands are the files in ``commands/``."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except JobquakeError as error:
            raise Sentence(error) from error

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name.replace("_", "-") for name in files(commands.__name__)]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name in DOCS:
            ctx.fail(
                f"expected a command, found {name!r}, which is now a script in jobquake's "
                f"repository: run 'python tools/docs.py {name}' there"
            )
        if name not in self.list_commands(ctx):
            return None
        command: click.Command = _module(name).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        shown: dict[str, list[tuple[str, str]]] = {section: [] for section in SECTIONS}
        for name in self.list_commands(ctx):
            module = _module(name)
            summary = module.command.get_short_help_str(limit=200)
            shown[module.SECTION].append((name, summary))
        for section, rows in shown.items():
            with formatter.section(SECTIONS[section]):
                formatter.write_dl(rows)


def _module(name: str) -> Any:
    return import_module(f"{commands.__name__}.{name.replace('-', '_')}")


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="jobquake")
def cli() -> None:
    """Shake a job queue: kill, cut, delay, flood; then check whether its guarantees held.

    A strike is a fault that takes effect: a worker killed, a reply lost. A twin is the
    reference queue with one bug. The bite matrix counts which strikes met a job in which
    phase of its life; a run in which the planned faults met no job is inconclusive.

    \b
    Examples:
      jobquake demo
      jobquake run --driver sim
      jobquake explore reference --max-time 60s

    Exit codes: 0 held, 1 violated, 2 usage, 3 environment, 4 inconclusive,
    130 interrupted.
    """
