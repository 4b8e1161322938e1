"""``jobquake init`` for an app: finds it, writes a test of it and a CI step, and runs the test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import click

from .. import app_search
from ..app_search import Place
from ..errors import ENVIRONMENT, EnvironmentFault, JobquakeError, UsageError
from ..frameworks.app import App, look
from ..frameworks.library import Looked, find
from ..frameworks.sign import any_of, sign
from . import app_files
from .new_files import write_new

MOST_ASKED = 5
SHOWN = 6
RED = 1  # of pytest: tests were run, and some failed


class Wanted(NamedTuple):
    """What the command line says; ``target`` None: whatever app is found."""

    target: str | None
    task: str
    arguments: str
    python: str

    def app(self, target: str, folder: Path) -> App:
        return App(target, self.task, self.python, folder, args=self.arguments)


def start(project: Path, wanted: Wanted, runs: bool) -> int:
    """Do all of it in that folder. Raises :class:`JobquakeError`: one sentence, nothing written."""
    app, looked = _named(project, wanted) if wanted.target else _found(project, wanted)
    tasks = [task for task in looked.tasks if not task.startswith(("celery.", "jobquake"))]
    listed = ", ".join(tasks[:SHOWN]) + (", ..." if len(tasks) > SHOWN else "")
    title = find(looked.library).title
    click.echo(f"found {app.target}: {title} {looked.version}{listed and ', tasks ' + listed}")
    _see_broker(looked)
    test = app_files.test_file(project)
    shown = test.relative_to(project).as_posix()
    example = f'task="{tasks[0] if tasks else _usual_task(app)}", args=[1]'
    files = {test: app_files.test_text(looked.library, app.target, _said(app, project), example)}
    one_environment = app.python == sys.executable
    if one_environment:
        python = ".".join(looked.python.split(".")[:2])
        requirements = app_files.requirements_of(project, looked.library, looked.version)
        workflow = app_files.workflow_text(shown, python, requirements)
        files[project / app_files.WORKFLOW_FILE] = workflow
    write_new(files)
    click.echo(f"wrote {shown}: kills workers while they hold jobs")
    click.echo(
        f"wrote {app_files.WORKFLOW_FILE}: does so on GitHub, and keeps the pages of what broke"
        if one_environment
        else "wrote no CI step: --python names an environment of the app's own, which it would need"
    )
    command = ["-m", "pytest", shown]
    line = f"python {' '.join(command)}"
    click.echo(
        f"running: {line} (minutes: real workers die and start anew)" if runs else f"next: {line}"
    )
    return _run(command, project, app.target) if runs else 0


def _tell(words: str) -> None:
    click.echo(words, err=True)


def _named(project: Path, wanted: Wanted) -> tuple[App, Looked]:
    app = wanted.app(wanted.target or "", project)
    return app, look(app, tell=_tell)[1]


def _found(project: Path, wanted: Wanted) -> tuple[App, Looked]:
    """The first that is an app, of those that the sources name."""
    places = app_search.search(project)
    named = [place for place in places if place.target]
    if not named:
        raise UsageError(_none(project, places))
    problems = []
    for place in named[:MOST_ASKED]:
        for folder in dict.fromkeys([project, place.folder]):
            app = wanted.app(place.target, folder)
            try:
                looked = look(app, tell=_tell)[1]
            except JobquakeError as error:
                problems.append(error)
                continue
            others = [other.target for other in named if other.target != place.target]
            if others:
                click.echo(f"found also {', '.join(others)}; --app names the one to test")
            return app, looked
    raise problems[0]


def _none(project: Path, places: list[Place]) -> str:
    if not places:
        return (
            f"expected {any_of()} in the sources below {project}, "
            "found none; run this in your project's folder, or name the app with --app "
            "MODULE:NAME; a queue in another language is described in a file "
            "(docs/any-language.md)"
        )
    library, _, _, file, line = places[0]
    return (
        f"expected {sign(library).kind} that a module has a name for, found one that is made in a "
        f"function ({file.relative_to(project)}, line {line}); give a module such a name, as for "
        "your workers, and name it with --app MODULE:NAME"
    )


def _see_broker(looked: Looked) -> None:
    """Raise unless the test can be run here: unless there is a server for its broker."""
    from ..frameworks.brokers.kind import kind_of
    from ..servers import postgres, redis
    from ..servers.source import Installed, source

    kind = kind_of(looked.broker).server
    if isinstance(source(kind), Installed):
        {"redis": redis, "postgres": postgres}[kind].program()


def _said(app: App, project: Path) -> dict[str, str]:
    """The arguments of the test's call besides the app, as Python writes them."""
    said = {}
    if app.folder != project:
        said["folder"] = _text(os.path.relpath(app.folder, project))
    if app.python != sys.executable:
        said["python"] = _text(app.python)
    if app.task:
        said["task"] = _text(app.task)
    if app.args:
        fixed = app.args.lstrip()[:1] in ("[", "{")
        said["args"] = repr(json.loads(app.args)) if fixed else _text(app.args)
    return said


def _text(words: str) -> str:
    return json.dumps(words, ensure_ascii=False)


def _usual_task(app: App) -> str:
    return f"{app.target.partition(':')[0]}.charge"


def _run(command: list[str], project: Path, target: str) -> int:
    """Run the test where everybody sees it; that it fails is what it is there for."""
    sys.stdout.flush()
    try:
        code = subprocess.run([sys.executable, *command], cwd=project, check=False).returncode
    except OSError as error:
        raise EnvironmentFault(f"expected to run pytest, found: {error.strerror}") from error
    if code not in (0, RED):
        return ENVIRONMENT
    if code == RED:
        click.echo(
            f"\nThe pages above tell what broke. jobquake doctor --app {target} names the settings "
            "that decide it."
        )
    return 0
