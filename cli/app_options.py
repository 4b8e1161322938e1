"""Options that name an app of the user's own, shared by the commands that take one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from ..errors import UsageError
from ..project import FILE, KILLS, MOST_WORKERS, TABLE, Project, project_of

if TYPE_CHECKING:
    from ..backends.adapter import Adapter
    from ..backends.system import System, Time
    from ..frameworks.app import App, Tell
    from ..frameworks.described.system import DescribedSystem
    from ..frameworks.system import AppSystem
    from ..harness.properties import Property
    from ..scenarios.for_apps import Kills
    from ..skipping import Experiment

WORKERS, PATIENCE_S = 2, 30.0
KILLED: dict[str, tuple[Kills, ...]] = {
    "child": ("child",),
    "worker": ("worker",),
    "taking": ("taking",),
    "both": ("child", "worker"),
}

NAMED = (
    click.option(
        "--app",
        "target",
        metavar="MODULE:NAME",
        help="Test your own app, named as for its workers ('jobquake list' names the libraries), "
        "or a queue in any language, which a file describes: queue.toml.",
    ),
    click.option("--task", help="The task to call [default: one of jobquake's own]."),
    click.option(
        "--python",
        metavar="PATH",
        help="The Python of the app's environment [default: this one].",
    ),
    click.option(
        "--app-dir",
        "folder",
        type=click.Path(path_type=Path, exists=True, file_okay=False, resolve_path=True),
        help="The app's folder, in which workers are started [default: here].",
    ),
    click.option(
        "--worker", metavar="COMMAND", help="Your worker command [default: the library's usual]."
    ),
)
CALLED = (
    click.option(
        "--args",
        "arguments",
        metavar="JSON|MODULE:FUNCTION",
        help="Its arguments: JSON, or a function of yours that is given the job's number.",
    ),
    click.option(
        "--options",
        "enqueue_options",
        metavar="JSON",
        help="What else your code passes when it enqueues, such as '{\"retry\": 3}'.",
    ),
    click.option(
        "--service",
        "services",
        multiple=True,
        metavar="NAME=HOST:PORT=COMMAND",
        help="A service that your tasks call at HOST:PORT; COMMAND starts one at {port} for each "
        "run, and their connections are led to it. May be repeated.",
    ),
    click.option(
        "--patience",
        "patience_s",
        type=click.FloatRange(min=0.0),
        metavar="SECONDS",
        help="How long to wait for what the library brings back by itself [default: as long as "
        f"its settings say in leaping time, {PATIENCE_S:g} in real time].",
    ),
)
OF_SCENARIOS = (
    click.option(
        "--workers",
        type=click.IntRange(1, MOST_WORKERS),
        help=f"How many workers to start for each pool of the scenario [default: {WORKERS}].",
    ),
    click.option(
        "--kill",
        type=click.Choice(list(KILLS)),
        help="What dies: the process that runs the job, the whole worker, each in a run, or the "
        "whole worker at the moment when its broker has handed it a job [default: both].",
    ),
    click.option(
        "--broker",
        metavar="URL",
        help="A Redis of yours, redis://HOST:PORT[/DATABASE], instead of a private one: an empty "
        "database of it, in real time. Nothing there is killed or flushed.",
    ),
    click.option(
        "--snapshots",
        is_flag=True,
        help="The private Redis keeps snapshots only, as Redis comes: a crash loses what came "
        "since [default: what it has answered is on disk].",
    ),
    click.option(
        "--effects",
        metavar="SOURCE",
        help="Who knows what your task did: a function of yours MODULE:FUNCTION, a URL, an SQL "
        "query sql:URL:SELECT ..., or 'sink', a payment API at $JOBQUAKE_SINK [default: nobody].",
    ),
    click.option(
        "--effect-id",
        metavar="FORMAT",
        help="How the effect of a job is called there, such as 'order-{0}' [default: its first "
        "argument, or its id].",
    ),
    click.option(
        "--always",
        multiple=True,
        metavar="MODULE:FUNCTION",
        help="Your function returns something true whenever it is asked. May be repeated.",
    ),
    click.option(
        "--eventually",
        multiple=True,
        metavar="MODULE:FUNCTION",
        help="It does so at some time, at the end of the run at the latest. May be repeated.",
    ),
    click.option(
        "--never",
        multiple=True,
        metavar="MODULE:FUNCTION",
        help="It never does. May be repeated.",
    ),
)


@dataclass(frozen=True)
class AppAsked:
    """What the options say of the app, and pyproject.toml where they do not.

    ``said``: whether the command line names the app, or pyproject.toml alone.
    """

    target: str
    task: str
    arguments: str
    enqueue_options: str
    python: str
    folder: Path
    worker: str | None
    workers: int
    kill: str
    patience_s: float | None
    time: Time | None = None
    scenarios: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    said: bool = True
    effects: str = ""
    effect_id: str = ""
    broker: str = ""
    snapshots: bool = False
    services: tuple[str, ...] = ()
    properties: tuple[Property, ...] = ()

    def system(self) -> AppSystem:
        """The app under test, of a library. Raises :class:`JobquakeError` about what is wrong."""
        from .. import apps

        return apps.system_of(*self._told())

    def any_system(self) -> AppSystem | DescribedSystem:
        """The same, or a queue that a file describes."""
        from .. import apps

        return apps.any_system_of(*self._told())

    def _told(self) -> tuple[App, tuple[Property, ...], Tell]:
        from ..frameworks.app import App
        from ..frameworks.services import put

        app = App(self.target, self.task, self.python, self.folder, self.worker, self.arguments)
        services = tuple(put(said) for said in self.services)
        app = replace(app, options=self.enqueue_options, env=self.env, services=services)
        app = replace(app, effects=self.effects, effect_id=self.effect_id, broker=self.broker)
        app = replace(app, snapshots=self.snapshots)
        return app, self.properties, lambda words: click.echo(words, err=True)

    def experiments(
        self, scenarios: tuple[str, ...], seed: int, every: bool, leaps: Callable[[System], bool]
    ) -> tuple[list[Experiment], list[Adapter]]:
        """What to run on the app; ``leaps``: whether that is in leaping time.

        Raises :class:`JobquakeError` about what is wrong with it.
        """
        from .. import apps
        from ..experiments import experiments_of

        system = self.any_system()
        names = scenarios or (() if every else self.scenarios or apps.USUAL)
        found = experiments_of(names, seed, every, apps.DRIVER)
        fitted = apps.experiments_on(
            system, found, KILLED[self.kill], self.workers, self.patience_s, leaps(system)
        )
        return fitted, [cast("Adapter", system)]


def app_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command that runs scenarios the options of an app; see :func:`app_named`."""
    return _decorated(app_alone(command), OF_SCENARIOS)


def app_alone(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command that calls a task the options of an app; see :func:`app_named`."""
    return _decorated(app_named(command), CALLED)


def app_named(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of an app; it is called with ``app``: what is said of it, or None.

    What the options leave out comes from ``[tool.jobquake]`` of pyproject.toml (:mod:`.project`).
    """

    @wraps(command)
    def with_app(
        target: str | None,
        task: str | None,
        python: str | None,
        folder: Path | None,
        worker: str | None,
        arguments: str | None = None,
        enqueue_options: str | None = None,
        patience_s: float | None = None,
        services: tuple[str, ...] = (),
        workers: int | None = None,
        kill: str | None = None,
        broker: str | None = None,
        snapshots: bool = False,
        effects: str | None = None,
        effect_id: str | None = None,
        always: tuple[str, ...] = (),
        eventually: tuple[str, ...] = (),
        never: tuple[str, ...] = (),
        **others: Any,
    ) -> Any:
        project = project_of(Path.cwd()).of(target, task)
        app = target or project.app
        if app is None:
            if task or arguments or worker or folder:
                raise UsageError(
                    "expected --app beside --task, --args, --worker and --app-dir, found none; "
                    f"name the app as its workers do, or write it into [{TABLE}] of {FILE}"
                )
            return command(app=None, **others)
        told = replace(
            project, task=_first(task, project.task), args=_first(arguments, project.args),
            options=_first(enqueue_options, project.options), python=python or project.python,
            folder=folder or project.folder, worker=worker or project.worker,
            workers=workers or project.workers, kill=kill or project.kill,
            patience_s=_first(patience_s, project.patience_s),
            broker=_first(broker, project.broker),
            effects=_first(effects, project.effects),
            effect_id=_first(effect_id, project.effect_id),
        )  # fmt: skip
        asked = _asked(app, told, target is not None)
        asked = replace(asked, services=services or project.services)
        said = {"always": always, "eventually": eventually, "never": never}
        asked = replace(asked, snapshots=snapshots, properties=_properties(said))
        return command(app=asked, **others)

    return _decorated(with_app, NAMED)


def _decorated(
    command: Callable[..., Any], options: Sequence[Callable[..., Any]]
) -> Callable[..., Any]:
    for option in reversed(options):
        command = option(command)
    return command


def _first(said: Any, otherwise: Any) -> Any:
    return otherwise if said is None else said


def _asked(app: str, told: Project, said: bool) -> AppAsked:
    return AppAsked(
        app,
        told.task or "",
        told.args or "",
        told.options or "",
        told.python or sys.executable,
        told.folder or Path.cwd(),
        told.worker,
        told.workers or WORKERS,
        told.kill or "both",
        told.patience_s,
        cast("Time | None", told.time),
        told.scenarios,
        told.env,
        said,
        told.effects or "",
        told.effect_id or "",
        told.broker or "",
    )


def _properties(said: Mapping[str, tuple[str, ...]]) -> tuple[Property, ...]:
    from ..harness import properties

    return tuple(
        getattr(properties, kind)(question) for kind, asked in said.items() for question in asked
    )
