"""taskiq from the inside: connects the probe to its receivers, tells what a broker is, enqueues.

A worker is a master with several processes; in each a receiver fetches messages, runs them in
``run_task``, coroutines on its event loop and functions in threads, and acknowledges them, where
the broker knows acks.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from ...inside.imports import when_imported
from ...inside.on_loop import on_loop
from ...inside.probe import InHand, probe
from ...inside.redis_pool import url_of

OWN_TASK = "jobquake.play"
OF_THE_BROKER = (
    "consumer_group_name", "idle_timeout", "unacknowledged_lock_timeout", "block", "count",
)  # fmt: skip

in_hand = InHand()


# -- in a worker ----------------------------------------------------------------------------


def hook() -> None:
    """taskiq has been imported: watch it from now on."""
    probe().watches()
    when_imported("taskiq.receiver.receiver", lambda module: _watch(module.Receiver))


def _watch(receiver: Any) -> None:
    make, fetch_all, callback = receiver.__init__, receiver.prefetcher, receiver.callback
    fetch, run = receiver._get_prefetched_message, receiver.run_task

    @wraps(make)
    def made(self: Any, broker: Any, *rest: Any, **named: Any) -> None:
        _declare(broker)
        make(self, broker, *rest, **named)

    async def fetches_all(self: Any, *rest: Any) -> Any:
        probe().hooked()
        return await fetch_all(self, *rest)

    async def fetches(self: Any, *rest: Any) -> Any:
        message = await fetch(self, *rest)
        job = _job_of(self, message) if message is not None else ""
        if job:
            probe().received(job)
        return message

    async def calls(self: Any, message: Any, *rest: Any, **named: Any) -> Any:
        job = _job_of(self, message)
        if job and hasattr(message, "ack"):
            message = type(message)(data=message.data, ack=_acking(job, message.ack))
        return await callback(self, message, *rest, **named)

    async def runs(self: Any, target: Any, message: Any, *rest: Any, **named: Any) -> Any:
        if probe().knows(message.task_id) and not self.is_process_pool:
            target = _watched(target, message.task_id)
        return await run(self, target, message, *rest, **named)

    receiver.__init__, receiver.prefetcher, receiver.callback = made, fetches_all, calls
    receiver._get_prefetched_message, receiver.run_task = fetches, runs


def _job_of(receiver: Any, message: Any) -> str:
    """The job of the plan that the message is; "" of any other."""
    try:
        found = receiver.broker.formatter.loads(message=getattr(message, "data", message))
    except Exception:  # noqa: BLE001 (whatever a formatter raises: it is nobody's message)
        return ""
    return found.task_id if probe().knows(found.task_id) else ""


def _watched(body: Any, job: str) -> Any:
    """A coroutine stays one, and a function that runs in a thread a function."""

    @wraps(body)
    async def on_the_loop(*args: Any, **kwargs: Any) -> Any:
        with in_hand.running(job):
            return await body(*args, **kwargs)

    @wraps(body)
    def in_a_thread(*args: Any, **kwargs: Any) -> Any:
        with in_hand.running(job):
            return body(*args, **kwargs)

    return on_the_loop if inspect.iscoroutinefunction(body) else in_a_thread


def _acking(job: str, ack: Any) -> Any:
    async def acks() -> None:
        taken = probe().again(job)
        taken.acking()
        found = ack()
        if inspect.isawaitable(found):
            await found
        taken.acked()

    return acks


# -- jobquake's own task --------------------------------------------------------------------


def _declare(broker: Any) -> Any:
    """The task that plays what a plan says, for whoever names none of the team's."""

    async def play(identifier: str) -> None:
        await in_hand.playing(identifier).play_on_loop()

    return broker.find_task(OWN_TASK) or broker.register_task(play, task_name=OWN_TASK)


# -- looking at a broker ------------------------------------------------------------------------


def recognises(found: Any) -> bool:
    """Whether that is a broker of taskiq."""
    return any(
        kind.__name__ == "AsyncBroker" and kind.__module__.partition(".")[0] == "taskiq"
        for kind in type(found).__mro__
    )


def look(broker: Any, task: str) -> dict[str, Any]:
    """What the broker is, as far as the harness needs to know it; ``task`` may be empty."""
    from importlib.metadata import version

    pool, results = (getattr(broker, "connection_pool", None), broker.result_backend)
    kept = getattr(results, "redis_pool", None)
    tasks = {name: one for name, one in broker.get_all_tasks().items() if name != OWN_TASK}
    name = task if task in tasks else next((n for n in tasks if n.replace(":", ".") == task), "")
    retries = [type(one).__name__ for one in broker.middlewares if "Retry" in type(one).__name__]
    return {
        "version": version("taskiq"),
        "broker": url_of(pool) if pool else f"{type(broker).__name__}://",
        "results": url_of(kept) if kept else "",
        "queue": getattr(broker, "queue_name", ""),
        "queues": [getattr(broker, "queue_name", "")],
        "tasks": sorted(tasks),
        "task": name,
        "settings": {
            "broker": _kind(broker),
            **{key: getattr(broker, key) for key in OF_THE_BROKER if hasattr(broker, key)},
            "retries": ", ".join(retries),
            "results": type(results).__name__,
        },
        "of_task": {key: str(value) for key, value in tasks[name].labels.items()} if name else {},
    }


def _kind(broker: Any) -> str:
    """Of its classes the first that is of taskiq: a team may have one of its own."""
    kinds = type(broker).__mro__
    return next(k.__name__ for k in kinds if k.__module__.partition(".")[0].startswith("taskiq"))


# -- a producer -------------------------------------------------------------------------------


def producer(
    broker: Any, task: str, options: dict[str, Any]
) -> Callable[[Mapping[str, Any], Any, Any], object]:
    """Enqueues one job of the plan, with these positional and named arguments."""
    done, own = on_loop(), task == OWN_TASK
    called = _declare(broker) if own else broker.get_all_tasks()[task]
    done(broker.startup())

    def enqueue(job: Mapping[str, Any], args: Any, kwargs: Any) -> object:
        kicker = called.kicker().with_task_id(job["id"]).with_labels(**options)
        given = (job["id"],) if own else args
        return done(kicker.kiq(*given, **kwargs))

    return enqueue
