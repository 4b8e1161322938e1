"""ARQ from the inside: connects the probe to its worker, tells what its settings are, enqueues.

A worker is one process whose coroutines run on one event loop. It makes a key that says that a job
is in progress, runs the job in ``run_job``, and ``finish_job`` takes the job from the queue.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from ...inside.imports import when_imported
from ...inside.on_loop import on_loop
from ...inside.probe import InHand, probe

OWN_TASK = "jobquake.play"
SETTINGS = ("job_timeout", "max_tries", "max_jobs", "poll_delay", "retry_jobs", "keep_result")

in_hand = InHand()


# -- in a worker ----------------------------------------------------------------------------


def hook() -> None:
    """ARQ has been imported: watch it from now on."""
    probe().watches()
    when_imported("arq.worker", _watch)


def _watch(module: Any) -> None:
    worker = module.Worker
    make, main, finish = worker.__init__, worker.main, worker.finish_job

    @wraps(make)  # ARQ reads its parameters to know which settings are its own
    def made(self: Any, functions: Any = (), **named: Any) -> None:
        limits = [module.func(one).timeout_s for one in functions]
        longest = max(limits) if limits and all(limits) else None  # so that ours changes none
        own = module.func(_play, name=OWN_TASK, timeout=longest)
        make(self, [*functions, own], **named)
        for function in self.functions.values():
            function.coroutine = _watched(function.coroutine)

    async def mains(self: Any) -> Any:
        probe().hooked()
        return await main(self)

    async def finishes(self: Any, job_id: str, finish_it: bool, *rest: Any) -> Any:
        if not finish_it or not probe().knows(job_id):
            return await finish(self, job_id, finish_it, *rest)
        taken = probe().again(job_id)
        taken.acking()
        found = await finish(self, job_id, finish_it, *rest)
        taken.acked()
        return found

    worker.__init__, worker.main, worker.finish_job = made, mains, finishes


def _watched(body: Any) -> Any:
    async def watched(ctx: Any, *args: Any, **kwargs: Any) -> Any:
        job = ctx.get("job_id", "")
        if not probe().knows(job):
            return await body(ctx, *args, **kwargs)
        with in_hand.running(job):
            return await body(ctx, *args, **kwargs)

    return watched


async def _play(ctx: Any, *args: object, **kwargs: object) -> None:
    """The function that plays what a plan says, for whoever names none of the team's."""
    await in_hand.playing(ctx["job_id"]).play_on_loop()


# -- looking at settings ------------------------------------------------------------------------


def recognises(found: Any) -> bool:
    """Whether those are settings of an ARQ worker: a class or a dictionary with functions."""
    said = _said(found)
    if not isinstance(said.get("functions"), (list, tuple)) or "redis_settings" not in said:
        return False
    settings = said["redis_settings"]
    return type(settings).__module__.partition(".")[0] == "arq"


def _said(found: Any) -> Mapping[str, Any]:
    return found if isinstance(found, dict) else getattr(found, "__dict__", {})


def look(found: Any, task: str) -> dict[str, Any]:
    """What the settings are, as far as the harness needs to know it; ``task`` may be empty."""
    from inspect import signature

    from arq.version import VERSION
    from arq.worker import Worker, func

    said, usual = _said(found), signature(Worker.__init__).parameters
    functions = {one.name: one for one in map(func, said["functions"])}
    settings = {name: said.get(name, usual[name].default) for name in SETTINGS}
    chosen = functions.get(task)
    limit_s = _seconds(settings["job_timeout"])
    longest = max((one.timeout_s or limit_s for one in functions.values()), default=limit_s)
    return {
        "version": VERSION,
        "broker": _url(said["redis_settings"]),
        "queue": said.get("queue_name", usual["queue_name"].default),
        "queues": [said.get("queue_name", usual["queue_name"].default)],
        "tasks": sorted(functions),
        "task": task if chosen else "",
        "settings": {
            **{name: _plain(value) for name, value in settings.items()},
            "in_progress_s": longest + 10.0,
        },
        "of_task": {"max_tries": chosen.max_tries, "job_timeout": chosen.timeout_s}
        if chosen
        else {},
    }


def _seconds(value: Any) -> float:
    return float(value.total_seconds() if hasattr(value, "total_seconds") else value or 0.0)


def _plain(value: Any) -> Any:
    return value if isinstance(value, (bool, type(None))) else _seconds(value)


def _url(settings: Any) -> str:
    """``redis://user:password@host:port/database``; behind a sentinel: that it is one."""
    from urllib.parse import quote

    if settings.sentinel or isinstance(settings.host, list):
        return "redis-sentinel://"
    if settings.unix_socket_path:
        return f"unix://{settings.unix_socket_path}"
    who, password = quote(settings.username or ""), quote(settings.password or "", safe="")
    login = f"{who}:{password}@" if who or password else ""
    scheme = "rediss" if settings.ssl else "redis"
    return f"{scheme}://{login}{settings.host}:{settings.port}/{settings.database}"


# -- a producer -------------------------------------------------------------------------------


def producer(
    found: Any, task: str, options: dict[str, Any]
) -> Callable[[Mapping[str, Any], Any, Any], object]:
    """Enqueues one job of the plan, with these positional and named arguments."""
    from arq import create_pool

    said, done = _said(found), on_loop()
    pool = done(create_pool(said["redis_settings"]))
    queue = said.get("queue_name")

    def enqueue(job: Mapping[str, Any], args: Any, kwargs: Any) -> object:
        named = {**kwargs, **options, "_job_id": job["id"]}
        if job["delay_s"]:
            named["_defer_by"] = job["delay_s"]
        if queue or job["route"]:
            named["_queue_name"] = job["route"] or queue
        return done(pool.enqueue_job(task, *args, **named))

    return enqueue
