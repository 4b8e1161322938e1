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
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from .backends.system import Time
    from .frameworks.system import AppSystem
    from .harness.result import Result
    from .harness.run import Run

Kill = Literal["child", "worker"]
Args = Sequence[Any] | Mapping[str, Any] | str | None


@dataclass(frozen=True)
class OwnApp:
    """An app under test; see :func:`app`."""

    target: str
    python: str
    folder: Path
    worker: str | None
    env: Mapping[str, str] = field(default_factory=dict)

    def run(
        self,
        scenario: str = "worker-kill-before-ack",
        *,
        task: str = "",
        args: Args = None,
        kill: Kill = "worker",
        workers: int = 2,
        seed: int = 0,
        time: Time | None = None,
        patience_s: float | None = None,
    ) -> AppRun:
        """Run a scenario on the app's own workers and judge it.

        ``task`` is the one that is called, by default one of jobquake's own; ``args`` are its
        arguments, or ``"module:function"`` that is given the job's number and returns them.
        ``kill``: what dies where the scenario kills, the whole worker or only the process that
        runs the job. ``workers`` are started for each pool of the scenario. ``time`` is as in
        :func:`jobquake.run`. ``patience_s`` is how long to wait for what the library brings back
        by itself: by default as long as its settings say in leaping time, 30 s in real time.

        Raises :class:`JobquakeError` with one sentence about what is wrong with the app.
        """
        from . import apps, lookup
        from .experiments import experiments_of
        from .frameworks.app import App
        from .harness.drivers.pace_of import can_leap
        from .harness.run import run

        lookup.scenario(scenario.partition(":")[0])
        words = args if isinstance(args, str) else "" if args is None else json.dumps(args)
        system = apps.system_of(
            App(self.target, task, self.python, self.folder, self.worker, words, env=self.env)
        )
        found = experiments_of((scenario,), seed, False, apps.DRIVER)[:1]
        leaps = can_leap(time)
        (one,) = apps.experiments_on(system, found, (kill,), workers, patience_s, leaps)
        return AppRun(run(one.plan, system, apps.DRIVER, time=time), system)


class AppRun:
    """What became of a run: how many jobs met which fate, and assertions about it.

    ``result`` is the whole verdict. An assertion that fails tells the story.
    """

    def __init__(self, run: Run, system: AppSystem) -> None:
        self._run = run
        self._system = system

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

    def assert_no_work_lost(self) -> None:
        """Every job that was accepted was done, or is held somewhere that is known."""
        self._see("no_lost_work")

    def assert_nothing_stuck(self) -> None:
        """Every job ended within the time that the library needs by its own settings."""
        self._see("progress_after_heal")

    def assert_holds(self) -> None:
        """Every guarantee that the library claims was kept, and the faults did strike."""
        if self.verdict != "held":
            raise AssertionError(self._telling())

    def page(self, path: str | Path) -> Path:
        """Write the page that tells the story; where it is."""
        from .publish import write_whole
        from .reports import html

        run = self._run
        write_whole(Path(path), html.page(run.result, run.plan, run.claims, run.history))
        return Path(path)

    def _see(self, guarantee: str) -> None:
        """Raise unless the guarantee held; faults that hit nothing prove nothing."""
        struck = [c for c in self.result.checks if c.name in (guarantee, "faults_hit")]
        if any(check.verdict != "held" for check in struck):
            raise AssertionError(self._telling())

    def _telling(self) -> str:
        result = self.result
        lines = [f"{result.full_name} on {result.backend}: {result.verdict}: {result.sentence}"]
        lines += [f"  {line}" for line in result.story]
        lines += [f"  {name}: {count}" for name, count in result.outcomes.items() if count]
        return "\n".join(lines)


def app(
    target: str,
    *,
    python: str | Path = sys.executable,
    folder: str | Path = ".",
    worker: str | None = None,
    env: Mapping[str, str] | None = None,
) -> OwnApp:
    """Your own app: ``shop.celery:app`` for Celery, ``shop.jobs:queue`` for an RQ queue.

    ``python`` is the Python of its environment, ``folder`` where its workers are started,
    ``worker`` your own command for one (by default the library's usual), ``env`` what its
    processes have in their environment besides.
    """
    return OwnApp(target, str(python), Path(folder).resolve(), worker, dict(env or {}))
