"""Procrastinate from the inside: connects the probe to its worker, tells what an app is, defers.

A worker is one process: coroutines run on its event loop, functions in threads. ``_process_job``
has a job from its first moment to its last; the task is called in it, and
``_persist_job_status`` tells the table that it is done. A job's id is the table's own, so jobquake
knows its jobs by their ``queueing_lock``, of which each has one of its own.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any

from ...inside.imports import when_imported
from ...inside.libpq import url_of
from ...inside.probe import InHand, probe

OWN_TASK = "jobquake.play"
DEFAULTS = {"update_heartbeat_interval": 10.0, "stalled_worker_timeout": 30.0, "concurrency": 1}
SINCE_HEARTBEAT_S = 30.0  # procrastinate.manager.JobManager.get_stalled_jobs
COMING = 12  # times of a cron line that are looked at

in_hand = InHand()
_current: ContextVar[str] = ContextVar("jobquake_job", default="")


# -- in a worker ----------------------------------------------------------------------------


def hook() -> None:
    """Procrastinate has been imported: watch it from now on."""
    probe().watches()
    when_imported("procrastinate.worker", lambda module: _watch_worker(module.Worker))
    when_imported("procrastinate.tasks", lambda module: _watch_body(module.Task))


def _watch_worker(worker: Any) -> None:
    loop, process, persist = worker._run_loop, worker._process_job, worker._persist_job_status

    async def loops(self: Any) -> Any:
        _declare(self.app)
        probe().hooked()
        return await loop(self)

    async def processes(self: Any, context: Any) -> Any:
        identifier = context.job.queueing_lock or ""
        _current.set(identifier if probe().knows(identifier) else "")
        return await process(self, context)

    async def persists(self: Any, job: Any, status: Any, *rest: Any, **named: Any) -> Any:
        identifier = job.queueing_lock or ""
        if not probe().knows(identifier) or getattr(status, "value", status) != "succeeded":
            return await persist(self, job, status, *rest, **named)
        taken = probe().again(identifier)
        taken.acking()
        found = await persist(self, job, status, *rest, **named)
        taken.acked()
        return found

    worker._run_loop, worker._process_job, worker._persist_job_status = loops, processes, persists


def _watch_body(task: Any) -> None:
    call = task.__call__

    def watched(self: Any, *args: Any, **kwargs: Any) -> Any:
        identifier = _current.get()
        _current.set("")  # a task that calls another runs it itself
        if not identifier:
            return call(self, *args, **kwargs)
        if inspect.iscoroutinefunction(self.func):
            return _awaited(identifier, call(self, *args, **kwargs))
        with in_hand.running(identifier):
            return call(self, *args, **kwargs)

    task.__call__ = watched


async def _awaited(identifier: str, body: Any) -> Any:
    with in_hand.running(identifier):
        return await body


# -- jobquake's own task --------------------------------------------------------------------


def _declare(app: Any) -> Any:
    """The task that plays what a plan says, for whoever names none of the team's."""
    if OWN_TASK in app.tasks:
        return app.tasks[OWN_TASK]

    def play(identifier: str, **kwargs: object) -> None:
        in_hand.playing(identifier).play()

    return app.task(name=OWN_TASK)(play)


# -- looking at an app --------------------------------------------------------------------------


def recognises(found: Any) -> bool:
    """Whether that is an app of Procrastinate."""
    return any(
        kind.__name__ == "App" and kind.__module__.partition(".")[0] == "procrastinate"
        for kind in type(found).__mro__
    )


def look(app: Any, task: str) -> dict[str, Any]:
    """What the app is, as far as the harness needs to know it; ``task`` may be empty."""
    from procrastinate import __version__

    app.perform_import_paths()
    tasks = {name: one for name, one in app.tasks.items() if not _is_builtin(name)}
    found = tasks.get(task)
    defaults = {**DEFAULTS, **app.worker_defaults}
    return {
        "version": __version__,
        "broker": _url(app.connector),
        "queue": found.queue if found else "default",
        "queues": sorted({one.queue for one in tasks.values()}),
        "tasks": sorted(tasks),
        "task": task if found else "",
        "settings": {
            **{name: value for name, value in defaults.items() if name in DEFAULTS},
            **_rescue(app),
        },
        "of_task": {"retry": found.retry_strategy is not None} if found else {},
    }


def _is_builtin(name: str) -> bool:
    return name == OWN_TASK or name.startswith(("builtin:", "procrastinate."))


def _url(connector: Any) -> str:
    """Where its PostgreSQL is; of another connector what it is."""
    said = getattr(connector, "_pool_args", None)
    if said is None:
        return f"{type(connector).__name__}://"
    named = said.get("kwargs")
    return url_of(str(said.get("conninfo") or ""), named if isinstance(named, dict) else {})


def _rescue(app: Any) -> dict[str, Any]:
    """The team's periodic task that looks for the jobs of dead workers, if there is one."""
    for periodic in app.periodic_registry.periodic_tasks.values():
        since_s = next(_silences(periodic.task.func), None)
        if since_s is not None:
            return {
                "rescued_by": periodic.task.name,
                "rescue_since_s": since_s,
                "rescue_every_s": _longest_pause_s(periodic.cron),
                "rescue_cron": periodic.cron,
            }
    return {"rescued_by": ""}


def _silences(function: Any) -> Iterator[float]:
    """After how many seconds without a heartbeat it takes jobs, where it asks for stalled ones."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function))))
    except (OSError, SyntaxError, TypeError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "get_stalled_jobs":
            given = {word.arg: word.value for word in node.keywords}
            said = given.get("seconds_since_heartbeat")
            exact = isinstance(said, ast.Constant) and isinstance(said.value, (int, float))
            yield float(said.value) if exact else SINCE_HEARTBEAT_S  # type: ignore[union-attr]


def _longest_pause_s(cron: str) -> float:
    from croniter import croniter

    coming = croniter(cron, 0.0)
    times = [coming.get_next(float) for _ in range(COMING)]
    return float(max(later - time for time, later in zip(times, times[1:])))  # noqa: B905, RUF007


def prepare(app: Any) -> None:
    """Give an empty database the schema, as ``procrastinate schema --apply`` does."""
    with app.open():
        app.schema_manager.apply_schema()


# -- a producer -------------------------------------------------------------------------------


def producer(
    app: Any, task: str, options: dict[str, Any]
) -> Callable[[Mapping[str, Any], Any, Any], object]:
    """Defers one job of the plan, with these positional and named arguments."""
    app.perform_import_paths()
    called = _declare(app) if task == OWN_TASK else app.tasks[task]
    names = list(inspect.signature(called.func).parameters)
    names = names[1:] if called.pass_context else names
    app.open()

    def enqueue(job: Mapping[str, Any], args: Any, kwargs: Any) -> object:
        if task == OWN_TASK:
            args = (job["id"],)
        said: dict[str, Any] = {**options, "queueing_lock": job["id"]}
        if job["route"]:
            said["queue"] = job["route"]
        if job["delay_s"]:
            said["schedule_in"] = {"seconds": job["delay_s"]}
        given = dict(zip(names, args))  # noqa: B905 (Python 3.9)
        return called.configure(**said).defer(**{**given, **kwargs})

    return enqueue
