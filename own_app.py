"""``jobquake.app``: your own Celery app or RQ queue in a test, unmodified.

    shop = jobquake.app("shop.celery:app")

    def test_a_charge_survives_the_death_of_its_worker():
        shop.run("worker-kill-before-ack", task="shop.charge", args=[1]).assert_no_work_lost()

The app is not imported here: its own Python looks at it and starts its workers.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from .errors import UsageError
from .project import FILE, TABLE, Project, project_of

if TYPE_CHECKING:
    from .backends.system import Time
    from .frameworks.described.system import DescribedSystem
    from .frameworks.system import AppSystem
    from .harness.properties import Property
    from .harness.record.fates import Fate
    from .harness.result import Result
    from .harness.run import Run

Kill = Literal["child", "worker", "taking"]
Args = Sequence[Any] | Mapping[str, Any] | str | None


@dataclass(frozen=True)
class OwnApp:
    """An app under test; see :func:`app`. ``project`` is what pyproject.toml says of it."""

    target: str
    python: str
    folder: Path
    worker: str | None
    env: Mapping[str, str] = field(default_factory=dict)
    project: Project = field(default_factory=Project)

    def run(
        self,
        scenario: str | None = None,
        *,
        task: str | None = None,
        args: Args = None,
        options: Mapping[str, Any] | None = None,
        kill: Kill | None = None,
        workers: int | None = None,
        seed: int = 0,
        time: Time | None = None,
        patience_s: float | None = None,
        toxiproxy: str = "embedded",
        confirm_s: float | None = None,
        effects: str | None = None,
        effect_id: str | None = None,
        properties: Sequence[Property] = (),
        broker: str | None = None,
        snapshots: bool = False,
        services: Sequence[str] | None = None,
    ) -> AppRun:
        """Run a scenario on the app's own workers and judge it.

        ``scenario`` is by default ``worker-kill-before-ack``. ``task`` is the one that is called,
        by default one of jobquake's own; ``args`` are its arguments, or ``"module:function"`` that
        is given the job's number and returns them; ``options`` is what else your code passes when
        it enqueues (``{"retry": 3}``). ``kill``: what dies where the scenario kills, the whole
        worker (the default), only the process that runs the job, or, ``taking``, the whole worker
        at the moment when its broker has handed it that job. ``workers`` (2) are
        started for each pool of the scenario. ``time``, ``toxiproxy`` and
        ``confirm_s`` are as in :func:`jobquake.run`.
        ``patience_s`` is how long to wait for what the library brings back by itself: by default
        as long as its settings say in leaping time, 30 s in real time.

        ``effects`` is who knows what the task did: a function of the app ``"module:function"`` that
        returns identifiers, a URL that answers with them, ``"sql:URL:SELECT ..."``, or ``"sink"``,
        a payment API whose address the app finds in its environment as ``JOBQUAKE_SINK``. They are
        asked before the run and after it. ``effect_id`` says how the effect of a job is called
        there, such as ``"order-{0}"``: by default its first argument, or its id. ``properties`` are
        what :func:`jobquake.always`, ``eventually`` and ``never`` make. ``broker`` is the URL of a
        Redis of yours, of which the run takes an empty database; ``snapshots``: the private one
        keeps snapshots only, as Redis comes, so that its crash loses what came since. ``services``
        are started by the run in the place of what your tasks call, each as
        ``"NAME=HOST:PORT=COMMAND"`` with ``{port}`` in the command. What is left out
        comes from ``[tool.jobquake]`` of pyproject.toml, if that says it.

        Raises :class:`JobquakeError` with one sentence about what is wrong with the app.
        """
        from . import apps, lookup
        from .experiments import experiments_of
        from .frameworks.app import App
        from .frameworks.services import put
        from .harness.confirm import CONFIRM_S, run_and_confirm
        from .harness.drivers.pace_of import can_leap
        from .witness import tell

        said = self.project.of(self.target, task)
        name = scenario or (said.scenarios or apps.USUAL)[0]
        lookup.scenario(name.partition(":")[0])
        words = (said.args or "") if args is None else args
        words = words if isinstance(words, str) else json.dumps(words)
        given = (said.options or "") if options is None else json.dumps(options)
        named = App(self.target, said.task or "", self.python, self.folder, self.worker, words)
        known = (said.effects or "") if effects is None else effects
        named = replace(named, options=given, env=self.env, effects=known)
        named = replace(named, effect_id=effect_id or said.effect_id or "")
        named = replace(named, broker=broker or said.broker or "", snapshots=snapshots)
        put_in_place = said.services if services is None else services
        named = replace(named, services=tuple(put(service) for service in put_in_place))
        system = apps.any_system_of(named, properties)
        one_kind = kill or cast("Kill", said.kill if said.kill in get_args(Kill) else "worker")
        time = time or cast("Time | None", said.time)
        patience_s = said.patience_s if patience_s is None else patience_s
        (one,) = apps.experiments_on(
            system,
            experiments_of((name,), seed, False, apps.DRIVER)[:1],
            (one_kind,),
            workers or said.workers or apps.WORKERS,
            patience_s,
            can_leap(system, time, toxiproxy),
        )
        limit_s = CONFIRM_S if confirm_s is None else confirm_s
        done = run_and_confirm(
            one.plan, system, apps.DRIVER, toxiproxy=toxiproxy, time=time, confirm_s=limit_s
        )
        return AppRun(tell(done), system)


def not_held(telling: str, run: Run) -> AssertionError:
    """A guarantee was not kept; the run goes along, so that the pytest plugin can keep it."""
    error = AssertionError(telling)
    vars(error)["jobquake_run"] = run
    return error


class AppRun:
    """What became of a run: how many jobs met which fate, and assertions about it.

    ``result`` is the whole verdict. An assertion that fails tells the story.
    """

    def __init__(self, run: Run, system: AppSystem | DescribedSystem) -> None:
        self._run = run
        self._system = system

    @property
    def whole(self) -> Run:
        """With its plan and its history."""
        return self._run

    @property
    def result(self) -> Result:
        return self._run.result

    @property
    def verdict(self) -> str:
        return self.result.verdict

    @property
    def outcomes(self) -> Mapping[str, int]:
        """How many jobs are done, run again, lost, stuck and so on."""
        return self.result.outcomes

    @property
    def fates(self) -> Sequence[Fate]:
        """More of these outcomes: who holds what is stuck, what was recovered after how long."""
        return self.result.fates

    def assert_no_work_lost(self) -> None:
        """Every job that was accepted was done, or is held somewhere that is known."""
        __tracebackhide__ = True
        self._see("no_lost_work")

    def assert_nothing_stuck(self) -> None:
        """Every job ended within the time that the library needs by its own settings."""
        __tracebackhide__ = True
        self._see("progress_after_heal")

    def assert_no_duplicated_effects(self) -> None:
        """No effect happened twice; somebody must know of them (``effects``)."""
        self._see("no_duplicated_effects")

    def assert_holds(self) -> None:
        """Every guarantee that the library claims was kept, and the faults did strike."""
        __tracebackhide__ = True
        if self.verdict != "held":
            raise not_held(self._telling(), self._run)

    def page(self, path: str | Path) -> Path:
        """Write the page that tells the story; where it is."""
        from .reports import html
        from .whole_file import write_whole

        run = self._run
        write_whole(Path(path), html.page(run.result, run.plan, run.claims, run.history))
        return Path(path)

    def _see(self, guarantee: str) -> None:
        """Raise unless the guarantee held; faults that hit nothing prove nothing."""
        __tracebackhide__ = True
        struck = [c for c in self.result.checks if c.name in (guarantee, "faults_hit")]
        if any(check.verdict != "held" for check in struck):
            raise not_held(self._telling(), self._run)

    def _telling(self) -> str:
        from .reports.outcomes import told

        result = self.result
        lines = [f"{result.full_name} on {result.backend}: {result.verdict}: {result.sentence}"]
        lines += [f"  {line}" for line in result.story]
        lines += [f"  {told(result)}"]
        return "\n".join(lines)


def app(
    target: str | None = None,
    *,
    python: str | Path | None = None,
    folder: str | Path | None = None,
    worker: str | None = None,
    env: Mapping[str, str] | None = None,
) -> OwnApp:
    """Your own app: ``shop.celery:app`` for Celery, ``shop.jobs:queue`` for an RQ queue.

    ``python`` is the Python of its environment (this one), ``folder`` where its workers are started
    (the working directory), ``worker`` your own command for one (the library's usual), ``env`` what
    its processes have in their environment besides. What is left out comes from ``[tool.jobquake]``
    of the nearest pyproject.toml, if that says it. Raises UsageError if neither names an app.
    """
    return app_of(project_of(Path.cwd()), target, python, folder, worker, env)


def app_of(
    project: Project,
    target: str | None = None,
    python: str | Path | None = None,
    folder: str | Path | None = None,
    worker: str | None = None,
    env: Mapping[str, str] | None = None,
) -> OwnApp:
    """The app that is named, or else that of the project; see :func:`app`."""
    said = project.of(target)
    if said.app is None:
        raise UsageError(
            "expected the name of an app, such as jobquake.app('shop.celery:app'), found none; "
            f"name it, or write it as app into [{TABLE}] of {FILE}"
        )
    return OwnApp(
        said.app,
        str(python or said.python or sys.executable),
        Path(folder or said.folder or ".").resolve(),
        worker or said.worker,
        {**said.env, **(env or {})},
        said,
    )
