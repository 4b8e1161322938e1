"""An app of somebody's as what the commands run: its system, and its scenarios' plans.

What ``jobquake run --app`` and ``jobquake doctor --app`` have in common.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from math import inf
from typing import TYPE_CHECKING

from . import lookup
from .effects.source import SinkCharges, parse
from .errors import UsageError
from .frameworks.app import App, Tell, look
from .frameworks.brokers.kind import REDIS, kind_of
from .frameworks.brokers.theirs import take
from .frameworks.described.description import SUFFIX, read
from .frameworks.described.system import DescribedSystem
from .frameworks.system import AppSystem
from .scenarios.for_apps import Fit, Kills, fitted, kinds_of
from .skipping import Experiment

if TYPE_CHECKING:
    from .harness.properties import Property
    from .harness.run import Driver

USUAL = ("worker-kill-before-ack",)
WORKERS = 2
PATIENCE_S = 30.0
DRIVER: Driver = "process"


def system_of(app: App, properties: Sequence[Property] = (), tell: Tell | None = None) -> AppSystem:
    """The app under test, of which its team says these ``properties``.

    ``tell`` is told that it takes long to import. Raises :class:`JobquakeError` about what is wrong
    with it.
    """
    _see_json("args", app.args, "a list or a table", (list, dict), "MODULE:FUNCTION")
    _see_json("options", app.options, "a table", (dict,))
    if app.effects and not app.task:
        raise UsageError(
            "expected --task beside --effects, found none; a task of jobquake's own has no effects "
            "that your app knows, so name the task of yours that has them"
        )
    if app.target.endswith(SUFFIX):
        raise UsageError(
            f"expected an app of a library, as MODULE:NAME, found {app.target}, which describes a "
            "queue from outside; such a queue can be run: jobquake run --app"
        )
    parse(app.effects)
    library, looked = look(app, tell=tell)
    if app.broker and kind_of(looked.broker) is not REDIS:
        raise UsageError(
            f"expected an app on Redis beside --broker, found {library.title}, whose broker is a "
            "database; leave --broker out, and the run has one of its own"
        )
    return AppSystem(
        app, library, looked, tuple(properties), take(app.broker) if app.broker else None
    )


def _see_json(
    name: str, text: str, what: str, kinds: tuple[type, ...], otherwise: str = ""
) -> None:
    """Raise unless that is nothing, JSON of such a kind, or looks like what it may be otherwise."""
    if not text or (otherwise and re.fullmatch(r"[\w.]+:\w+", text)):
        return
    expected = f"{what} in JSON{' or ' + otherwise if otherwise else ''}"
    try:
        found = json.loads(text)
    except ValueError as error:
        raise UsageError(f"expected {expected} as {name}, found {text!r}: {error}") from None
    if not isinstance(found, kinds):
        raise UsageError(f"expected {expected} as {name}, found {text!r}; write it in brackets")


def any_system_of(
    app: App, properties: Sequence[Property] = (), tell: Tell | None = None
) -> AppSystem | DescribedSystem:
    """The app under test, of a library or described in a TOML file; see :func:`system_of`."""
    if not app.target.endswith(SUFFIX):
        return system_of(app, properties, tell)
    for option, said in (("--task", app.task), ("--args", app.args), ("--options", app.options)):
        if said:
            raise UsageError(
                f"expected no {option} beside {app.target}, found {said!r}; a described queue "
                "says itself how a job is enqueued"
            )
    if app.broker or app.snapshots:
        raise UsageError(
            f"expected no broker beside {app.target}, found one; the file names its kind, and "
            "each run starts one of its own"
        )
    parse(app.effects)
    return DescribedSystem(app, read(app.folder / app.target), tuple(properties))


def experiments_on(
    system: AppSystem | DescribedSystem,
    experiments: Sequence[Experiment],
    kills: Sequence[Kills],
    workers: int = WORKERS,
    patience_s: float | None = PATIENCE_S,
    leaps: bool = False,
) -> list[Experiment]:
    """The experiments with plans that fit the app, once for each thing that a kill may end.

    Controls are left out: what a library of somebody's lacks need not break there.

    ``patience_s`` is how long to wait for what the library brings back by itself; None: as long
    as its settings say where time ``leaps``, since that costs little, else ``PATIENCE_S``.
    """
    if patience_s is None:
        patience_s = inf if leaps else PATIENCE_S
    recovery_s = system.recovery.seconds
    kills = [kill for kill in kills if kill in system.kills] or ["worker"]
    asked = isinstance(system.source, SinkCharges)
    fit = Fit(workers, "worker", system.own_task, recovery_s, patience_s, asked)

    def of(experiment: Experiment, kill: Kills) -> Experiment:
        scenario = lookup.scenario(experiment.plan.scenario)
        one = fit._replace(kills=kill, delays_in_leases=scenario.delays_in_leases)
        return experiment._replace(plan=fitted(experiment.plan, one), driver=DRIVER, free=False)

    return [
        of(experiment, kill)
        for experiment in experiments
        if experiment.control is None
        for kill in kinds_of(experiment.plan, kills)
    ]
