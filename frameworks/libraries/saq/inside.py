"""SAQ from the inside: connects the probe to its worker, tells what its settings are, enqueues.

A worker is one process: coroutines run on its event loop, functions in threads. ``Job.finish``
tells Redis that a job is done. A job's key can be chosen.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from ...inside.imports import when_imported
from ...inside.on_loop import on_loop
from ...inside.probe import InHand, probe
from ...inside.redis_pool import url_of

OWN_TASK = "jobquake.play"
SWEEP_S, CONCURRENCY = 60, 10  # saq.worker.Worker

in_hand = InHand()


# -- in a worker ----------------------------------------------------------------------------


def hook() -> None:
    """SAQ has been imported: watch it from now on."""
    probe().watches()
    when_imported("saq.worker", lambda module: _watch_worker(module.Worker))
    when_imported("saq.job", lambda module: _watch_ack(module.Job))


def _watch_worker(worker: Any) -> None:
    make, start = worker.__init__, worker.start

    @wraps(make)
    def made(self: Any, queue: Any, functions: Any, **named: Any) -> None:
        make(self, queue, [*functions, (OWN_TASK, _play)], **named)
        self.functions = {name: _watched(body) for name, body in self.functions.items()}

    async def starts(self: Any) -> Any:
        probe().hooked()
        return await start(self)

    worker.__init__, worker.start = made, starts


def _watched(body: Any) -> Any:
    """A coroutine stays one, and a function that runs in a thread a function."""

    @wraps(body)
    async def on_the_loop(ctx: Any, **kwargs: Any) -> Any:
        if not probe().knows(ctx["job"].key):
            return await body(ctx, **kwargs)
        with in_hand.running(ctx["job"].key):
            return await body(ctx, **kwargs)

    @wraps(body)
    def in_a_thread(ctx: Any, **kwargs: Any) -> Any:
        if not probe().knows(ctx["job"].key):
            return body(ctx, **kwargs)
        with in_hand.running(ctx["job"].key):
            return body(ctx, **kwargs)

    return on_the_loop if inspect.iscoroutinefunction(body) else in_a_thread


def _watch_ack(job_class: Any) -> None:
    finish = job_class.finish

    async def finishes(self: Any, status: Any, *rest: Any, **named: Any) -> Any:
        if getattr(status, "value", status) != "complete" or not probe().knows(self.key):
            return await finish(self, status, *rest, **named)
        taken = probe().again(self.key)
        taken.acking()
        found = await finish(self, status, *rest, **named)
        taken.acked()
        return found

    job_class.finish = finishes


async def _play(ctx: Any, **kwargs: object) -> None:
    """The function that plays what a plan says, for whoever names none of the team's."""
    await in_hand.playing(ctx["job"].key).play_on_loop()


# -- looking at settings ------------------------------------------------------------------------


def recognises(found: Any) -> bool:
    """Whether those are settings of a SAQ worker."""
    if not isinstance(found, dict) or not found.get("functions"):
        return False
    return type(found.get("queue")).__module__.partition(".")[0] == "saq"


def _functions(settings: Any) -> dict[str, Any]:
    pairs = [one if isinstance(one, tuple) else (one.__qualname__, one) for one in settings]
    return dict(pairs)


def look(settings: Any, task: str) -> dict[str, Any]:
    """What the settings are, as far as the harness needs to know it; ``task`` may be empty."""
    from importlib.metadata import version

    queue, functions = settings["queue"], _functions(settings["functions"])
    redis = getattr(queue, "redis", None)
    timers = settings.get("timers") or {}
    return {
        "version": version("saq"),
        "broker": url_of(redis.connection_pool) if redis else f"{type(queue).__name__}://",
        "queue": queue.name,
        "queues": [queue.name],
        "tasks": sorted(functions),
        "task": task if task in functions else "",
        "settings": {
            "sweep": timers.get("sweep", SWEEP_S),
            "concurrency": settings.get("concurrency", CONCURRENCY),
        },
    }


# -- a producer -------------------------------------------------------------------------------


def producer(
    settings: Any, task: str, options: dict[str, Any]
) -> Callable[[Mapping[str, Any], Any, Any], object]:
    """Enqueues one job of the plan, with these positional and named arguments."""
    queue, done = settings["queue"], on_loop()
    functions = {**_functions(settings["functions"]), OWN_TASK: _play}
    names = list(inspect.signature(functions[task]).parameters)[1:]  # behind the context

    def enqueue(job: Mapping[str, Any], args: Any, kwargs: Any) -> object:
        said: dict[str, Any] = {**options, "key": job["id"]}
        if job["delay_s"]:
            said["scheduled"] = int(time.time() + job["delay_s"])
        given = dict(zip(names, args)) if task != OWN_TASK else {}  # noqa: B905 (Python 3.9)
        return done(queue.enqueue(task, **{**given, **kwargs, **said}))

    return enqueue
