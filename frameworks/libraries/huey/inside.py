"""Huey from the inside: connects the probe to its workers, tells what a Huey is, enqueues.

A worker takes a task off its list and runs it in ``Huey._execute``; nothing is told to Redis that
it is done but its result, if it has one. So there is no ack.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from ...inside.imports import when_imported
from ...inside.probe import InHand, probe
from ...inside.redis_pool import url_of

OWN_TASK = "jobquake.play"
OF_TASK = ("retries", "retry_delay", "timeout", "expires")

in_hand = InHand()


# -- in a worker ----------------------------------------------------------------------------


def hook() -> None:
    """Huey has been imported: watch it from now on."""
    probe().watches()
    when_imported("huey.consumer", lambda module: _watch_start(module.Consumer))
    when_imported("huey.api", lambda module: _watch_body(module.Huey))


def _watch_start(consumer: Any) -> None:
    start = consumer.start

    def started(self: Any) -> Any:
        _declare(self.huey)
        found = start(self)
        probe().hooked()
        return found

    consumer.start = started


def _watch_body(huey: Any) -> None:
    execute = huey._execute

    def watched(self: Any, task: Any, *rest: Any) -> Any:
        if not probe().knows(task.id):
            return execute(self, task, *rest)
        body = task.execute

        def runs() -> Any:
            with in_hand.running(task.id):
                return body()

        task.execute = runs
        try:
            return execute(self, task, *rest)
        finally:
            del task.execute

    huey._execute = watched


# -- jobquake's own task --------------------------------------------------------------------


@cache
def _declare(huey: Any) -> Any:
    """The class of the task that plays what a plan says, for whoever names none of the team's."""

    def play(identifier: str, *args: object, **kwargs: object) -> None:
        in_hand.playing(identifier).play()

    return huey.task(name=OWN_TASK)(play).task_class


# -- looking at a Huey --------------------------------------------------------------------------


def recognises(found: Any) -> bool:
    """Whether that is a Huey."""
    return any(
        kind.__name__ == "Huey" and kind.__module__.partition(".")[0] == "huey"
        for kind in type(found).__mro__
    )


def look(huey: Any, task: str) -> dict[str, Any]:
    """What the Huey is, as far as the harness needs to know it; ``task`` may be empty."""
    from huey import __version__

    storage, known = huey.storage, huey._registry._registry
    pool = getattr(storage, "pool", None)
    return {
        "version": __version__,
        "broker": url_of(pool) if pool else f"{type(storage).__name__}://",
        "queue": huey.name,
        "queues": [huey.name],
        "tasks": sorted(known),
        "task": task if task in known else "",
        "settings": {
            "name": getattr(storage, "name", huey.name),
            "results": huey.results,
            "store_none": huey.store_none,
            "priority": bool(getattr(storage, "priority", False)),
        },
        "of_task": {key: getattr(known[task], f"default_{key}", None) for key in OF_TASK}
        if task in known
        else {},
    }


# -- a producer -------------------------------------------------------------------------------


def producer(
    huey: Any, task: str, options: dict[str, Any]
) -> Callable[[Mapping[str, Any], Any, Any], object]:
    """Enqueues one job of the plan, with these positional and named arguments."""
    from huey.utils import normalize_time

    own = task == OWN_TASK
    made = _declare(huey) if own else huey._registry.string_to_task(task)

    def enqueue(job: Mapping[str, Any], args: Any, kwargs: Any) -> object:
        said = dict(options)
        if job["delay_s"]:
            said["eta"] = normalize_time(None, job["delay_s"], huey.utc)
        given = (job["id"],) if own else tuple(args)
        return huey.enqueue(made(given, dict(kwargs), id=job["id"], **said))

    return enqueue
