"""Options that name an app of the user's own, shared by the commands that take one."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from ..errors import UsageError

if TYPE_CHECKING:
    from ..backends.adapter import Adapter
    from ..frameworks.system import AppSystem
    from ..scenarios.for_apps import Kills
    from ..skipping import Experiment

WORKERS, PATIENCE_S = 2, 30.0
KILLS: dict[str, tuple[Kills, ...]] = {
    "child": ("child",),
    "worker": ("worker",),
    "both": ("child", "worker"),
}

OPTIONS = (
    click.option(
        "--app",
        "target",
        metavar="MODULE:NAME",
        help="Test your own app: a Celery app or an RQ queue, named as for its workers.",
    ),
    click.option("--task", default="", help="The task to call [default: one of jobquake's own]."),
    click.option(
        "--args",
        "arguments",
        default="",
        metavar="JSON|MODULE:FUNCTION",
        help="Its arguments: JSON, or a function of yours that is given the job's number.",
    ),
    click.option(
        "--options",
        "enqueue_options",
        default="",
        metavar="JSON",
        help="What else your code passes when it enqueues, such as '{\"retry\": 3}'.",
    ),
    click.option(
        "--python",
        default=sys.executable,
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
    click.option(
        "--workers",
        type=click.IntRange(1, 16),
        default=WORKERS,
        show_default=True,
        help="How many workers to start for each pool of the scenario.",
    ),
    click.option(
        "--kill",
        type=click.Choice(list(KILLS)),
        default="both",
        show_default=True,
        help="What dies: the process that runs the job, the whole worker, or each in a run.",
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


@dataclass(frozen=True)
class AppAsked:
    """What the options say of the app."""

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

    def system(self) -> AppSystem:
        """The app under test. Raises :class:`JobquakeError` about what is wrong with it."""
        from .. import apps
        from ..frameworks.app import App

        app = App(self.target, self.task, self.python, self.folder, self.worker, self.arguments)
        return apps.system_of(replace(app, options=self.enqueue_options))

    def experiments(
        self, scenarios: tuple[str, ...], seed: int, every: bool, leaps: bool
    ) -> tuple[list[Experiment], list[Adapter]]:
        """What to run on the app; ``leaps``: in leaping time, in which patience costs little.

        Raises :class:`JobquakeError` about what is wrong with it.
        """
        from .. import apps
        from ..experiments import experiments_of

        system = self.system()
        names = scenarios or (() if every else apps.USUAL)
        found = experiments_of(names, seed, every, apps.DRIVER)
        fitted = apps.experiments_on(
            system, found, KILLS[self.kill], self.workers, self.patience_s, leaps
        )
        return fitted, [cast("Adapter", system)]


def app_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of an app; it is called with ``app``: what they say, or None."""

    @wraps(command)
    def with_app(
        target: str | None,
        task: str,
        arguments: str,
        enqueue_options: str,
        python: str,
        folder: Path | None,
        worker: str | None,
        workers: int,
        kill: str,
        patience_s: float | None,
        **others: Any,
    ) -> Any:
        if target is None:
            if task or arguments or worker or folder:
                raise UsageError(
                    "expected --app beside --task, --args, --worker and --app-dir, found none; "
                    "name the app as its workers do"
                )
            return command(app=None, **others)
        place = folder or Path.cwd()
        said = (task, arguments, enqueue_options, python, place, worker, workers, kill, patience_s)
        return command(app=AppAsked(target, *said), **others)

    decorated: Callable[..., Any] = with_app
    for option in reversed(OPTIONS):
        decorated = option(decorated)
    return decorated
