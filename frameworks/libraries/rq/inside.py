"""RQ from the inside: connects the probe to its classes, tells what a queue is, enqueues.

A worker takes a job and forks a horse for it, a process in a group of its own; a SimpleWorker runs
it itself. ``Job.perform`` is the body; the worker's ``handle_job_success`` tells Redis that it is
done. What is called is a path, so any function can be a job.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from ...inside.imports import when_imported
from ...inside.probe import InHand, probe
from ...inside.redis_pool import url_of

in_hand = InHand()


# -- in a worker ----------------------------------------------------------------------------


def hook() -> None:
    """RQ has been imported: watch it from now on."""
    probe().watches()
    when_imported("rq.job", lambda module: _watch_body(module.Job))
    when_imported("rq.worker", lambda module: _watch_worker(module.Worker))


def _watch_body(job_class: Any) -> None:
    perform = job_class.perform

    def watched(self: Any) -> Any:
        if not probe().knows(self.id):
            return perform(self)
        in_hand.begins(self.id)
        try:
            found = perform(self)
        except BaseException:
            in_hand.ends(self.id, raised=True)
            raise
        in_hand.ends(self.id, raised=False)
        return found

    job_class.perform = watched


def _watch_worker(worker_class: Any) -> None:
    _watch_birth(_owner(worker_class, "register_birth"))
    _watch_preparation(_owner(worker_class, "perform_job"))
    _watch_ack(_owner(worker_class, "handle_job_success"))


def _owner(kind: Any, name: str) -> Any:
    """The class in which that method stands."""
    return next(base for base in kind.__mro__ if name in vars(base))


def _watch_birth(owner: Any) -> None:
    register = owner.register_birth

    def watched(self: Any) -> Any:
        found = register(self)
        probe().hooked()
        return found

    owner.register_birth = watched


def _watch_preparation(owner: Any) -> None:
    """The process that runs the job has it before its body begins."""
    perform = owner.perform_job

    def watched(self: Any, job: Any, *rest: Any, **named: Any) -> Any:
        if probe().knows(job.id):
            probe().received(job.id)
            if probe().forgotten:
                _forget(probe().forgotten)
                probe().unknown(job.id)
        return perform(self, job, *rest, **named)

    owner.perform_job = watched


def _forget(task: str) -> None:
    """The worker is of a version in which the function has another name."""
    module, _, name = task.rpartition(".")
    vars(import_module(module)).pop(name, None)


def _watch_ack(owner: Any) -> None:
    handle = owner.handle_job_success

    def watched(self: Any, job: Any, *rest: Any, **named: Any) -> Any:
        if not probe().knows(job.id):
            return handle(self, job, *rest, **named)
        taken = probe().again(job.id)
        taken.acking()
        found = handle(self, job, *rest, **named)
        taken.acked()
        return found

    owner.handle_job_success = watched


def playing() -> Any:
    """The delivery of the job that this process runs."""
    from rq import get_current_job

    return in_hand.playing(get_current_job().id)


# -- looking at a queue -------------------------------------------------------------------------


def recognises(found: Any) -> bool:
    """Whether that is a queue of RQ, or several in a list or a dictionary."""
    queues = queues_of(found)
    return bool(queues) and all(map(_is_queue, queues))


def queues_of(found: Any) -> list[Any]:
    """The queues, in the order in which a worker serves them."""
    if isinstance(found, Mapping):
        return list(found.values())
    return list(found) if isinstance(found, (list, tuple)) else [found]


def _is_queue(found: Any) -> bool:
    return any(
        kind.__name__ == "Queue" and kind.__module__.partition(".")[0] == "rq"
        for kind in type(found).__mro__
    )


def look(found: Any, task: str) -> dict[str, Any]:
    """What the queues are, as far as the harness needs to know it; ``task`` may be empty."""
    from rq.version import VERSION

    tasks, queues = _functions(task), queues_of(found)
    queue = queues[0]
    return {
        "version": VERSION,
        "broker": url_of(queue.connection.connection_pool),
        "queue": queue.name,
        "queues": [one.name for one in queues],
        "tasks": tasks,
        "task": task if task in tasks else "",
        "settings": {
            "default_timeout": getattr(queue, "_default_timeout", None),
            "is_async": getattr(queue, "_is_async", True),
        },
    }


def _functions(task: str) -> list[str]:
    """The paths of the public functions in the module of that one."""
    name = task.rpartition(".")[0]
    if not name:
        return []
    try:
        module = import_module(name)
    except ImportError:
        return []
    public = {word for word, found in vars(module).items() if callable(found) and word[0] != "_"}
    return sorted(f"{name}.{word}" for word in public)


# -- a producer -------------------------------------------------------------------------------


def producer(
    found: Any, task: str, options: dict[str, Any]
) -> Callable[[Mapping[str, Any], Any, Any], object]:
    """Enqueues one job of the plan, with these positional and named arguments; in turn, if there
    are several queues.
    """
    from rq import Retry

    queues = queues_of(found)

    said = dict(options)
    if "timeout" in said:
        said["job_timeout"] = said.pop("timeout")
    if isinstance(said.get("retry"), int):
        said["retry"] = Retry(max=said["retry"])
    elif isinstance(said.get("retry"), dict):
        said["retry"] = Retry(**said["retry"])

    def enqueue(job: Mapping[str, Any], args: Any, kwargs: Any) -> object:
        target = queues[job["index"] % len(queues)]
        if job["route"]:
            target = type(target)(job["route"], target.connection)
        named = {**said, "args": args, "kwargs": kwargs, "job_id": job["id"]}
        if job["delay_s"]:
            from datetime import timedelta

            return target.enqueue_in(timedelta(seconds=job["delay_s"]), task, **named)
        return target.enqueue(task, **named)

    return enqueue
