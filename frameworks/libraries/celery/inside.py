"""Celery from the inside: connects the probe to its signals, tells what an app is, enqueues.

A task's body runs in a child of the pool, in a thread or in the worker itself: ``task_prerun``
comes there right before it, ``task_postrun`` right after it. The ack is the parent's, and it is
real when ``kombu.message.Message.ack`` returns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ...inside.imports import when_imported
from ...inside.probe import InHand, probe

OWN_TASK = "jobquake.play"
LEAF = (str, int, float, bool, type(None))
SETTINGS = (
    "accept_content", "broker_connection_retry", "broker_transport_options", "broker_url",
    "result_backend", "result_expires", "task_acks_late", "task_acks_on_failure_or_timeout",
    "task_always_eager", "task_create_missing_queues", "task_default_queue",
    "task_ignore_result", "task_publish_retry", "task_reject_on_worker_lost",
    "task_soft_time_limit", "task_time_limit", "task_track_started",
    "worker_cancel_long_running_tasks_on_connection_loss",
    "worker_concurrency", "worker_enable_soft_shutdown_on_idle", "worker_max_tasks_per_child",
    "worker_pool", "worker_prefetch_multiplier", "worker_soft_shutdown_timeout",
)  # fmt: skip
OF_A_TASK = (
    "acks_late", "acks_on_failure_or_timeout", "reject_on_worker_lost", "max_retries",
    "default_retry_delay", "retry_backoff", "time_limit", "soft_time_limit", "ignore_result",
)  # fmt: skip

# A task that raises Ignore says that nothing is left to do: its message is acked, as of one that
# returned. One that replaced itself raises it, too, but goes on under the same id.
ENDED_WELL = ("SUCCESS", "IGNORED")

in_hand = InHand()
replaced: set[str] = set()


# -- in a worker ----------------------------------------------------------------------------


def hook() -> None:
    """Celery has been imported: watch it from now on."""
    probe().watches()
    when_imported("celery.signals", _connect)
    when_imported("kombu.message", _watch_acks)
    when_imported("celery.app.task", _watch_replacing)
    when_imported("celery.worker.request", _watch_limits)
    if probe().forgotten:
        when_imported("celery.worker.consumer.consumer", _forget)


def _connect(signals: Any) -> None:
    signals.worker_init.connect(_register, weak=False)
    signals.worker_ready.connect(_ready, weak=False)
    signals.task_received.connect(_received, weak=False)
    signals.task_prerun.connect(_begins, weak=False)
    signals.task_postrun.connect(_ends, weak=False)
    signals.task_unknown.connect(_unknown, weak=False)


def _ready(**_: object) -> None:
    probe().hooked()


def _received(request: Any = None, **_: object) -> None:
    if probe().knows(request.id):
        probe().received(request.id)


def _begins(task_id: str = "", **_: object) -> None:
    if probe().knows(task_id):
        in_hand.begins(task_id)


def _ends(task_id: str = "", state: str = "", **_: object) -> None:
    goes_on = task_id in replaced
    replaced.discard(task_id)
    in_hand.ends(task_id, raised=goes_on or state not in ENDED_WELL)


def _watch_replacing(module: Any) -> None:
    replace = module.Task.replace

    def watched(self: Any, *rest: Any, **named: Any) -> Any:
        replaced.add(self.request.id)
        return replace(self, *rest, **named)

    module.Task.replace = watched


def _watch_limits(module: Any) -> None:
    """Past its hard limit a task has failed, whatever its process may still say of it."""
    on_timeout = module.Request.on_timeout

    def watched(self: Any, soft: bool, timeout: float) -> Any:
        if not soft and probe().knows(self.id):
            probe().again(self.id).raised()
        return on_timeout(self, soft, timeout)

    module.Request.on_timeout = watched


def _unknown(id: str = "", **_: object) -> None:
    if probe().forgotten and probe().knows(id):
        probe().unknown(id)


def _forget(module: Any) -> None:
    """The worker is of a version in which the task has another name."""
    update = module.Consumer.update_strategies

    def watched(self: Any) -> Any:
        self.app.tasks.pop(probe().forgotten, None)
        return update(self)

    module.Consumer.update_strategies = watched


def _watch_acks(module: Any) -> None:
    ack = module.Message.ack

    def watched(self: Any, *rest: Any, **named: Any) -> Any:
        identifier = _identifier(self)
        if not probe().knows(identifier):
            return ack(self, *rest, **named)
        taken = probe().again(identifier)
        taken.acking()
        answer = ack(self, *rest, **named)
        taken.acked()
        return answer

    module.Message.ack = watched


def _identifier(message: Any) -> str:
    headers = getattr(message, "headers", None) or {}
    properties = getattr(message, "properties", None) or {}
    return str(headers.get("id") or properties.get("correlation_id") or "")


# -- jobquake's own task --------------------------------------------------------------------


def _register(**_: object) -> None:
    """The task that plays what a plan says, for whoever names none of the team's."""
    from celery import shared_task

    @shared_task(name=OWN_TASK, bind=True)
    def play(self: Any, *args: object, **kwargs: object) -> None:
        in_hand.playing(self.request.id).play()


# -- looking at an app ------------------------------------------------------------------------


def recognises(found: Any) -> bool:
    """Whether that is a Celery app."""
    return any(
        kind.__name__ == "Celery" and kind.__module__.partition(".")[0] == "celery"
        for kind in type(found).__mro__
    )


def look(app: Any, task: str) -> dict[str, Any]:
    """What the app is, as far as the harness needs to know it; ``task`` may be empty."""
    import celery

    app.loader.import_default_modules()
    app.finalize()
    names = {name: _function(app.tasks[name]) for name in app.tasks}
    known = {name: path for name, path in names.items() if not name.startswith("celery.")}
    name = task if task in known else next((n for n, p in known.items() if p == task), "")
    return {
        "version": celery.__version__,
        "broker": _url(app.conf.broker_url or app.connection_for_write().as_uri()),
        "results": _url(app.conf.result_backend),
        "queue": _queue(app, name),
        "queues": sorted(app.amqp.queues),
        "tasks": sorted(known),
        "task": name,
        "settings": {
            **{key: _plain(app.conf.get(key)) for key in SETTINGS},
            "queue_arguments": {
                name: _plain(queue.queue_arguments or {}) for name, queue in app.amqp.queues.items()
            },
        },
        "of_task": {key: _plain(getattr(app.tasks[name], key, None)) for key in OF_A_TASK}
        if name
        else {},
    }


def _function(task: Any) -> str:
    run = getattr(task, "run", task)
    return f"{getattr(run, '__module__', '')}.{getattr(run, '__name__', '')}"


def _url(found: Any) -> str:
    if isinstance(found, (list, tuple)):
        found = found[0] if found else ""
    return str(found or "").partition(";")[0]


def _queue(app: Any, task: str) -> str:
    """Where the app sends that task, by its routes."""
    route = app.amqp.router.route({}, task or OWN_TASK, (), {})
    queue = route.get("queue") or app.conf.task_default_queue
    return str(getattr(queue, "name", queue))


def _plain(value: Any) -> Any:
    """As it can stand in JSON."""
    if isinstance(value, LEAF):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(inner) for inner in value]
    seconds = getattr(value, "total_seconds", None)
    return seconds() if seconds else str(value)


# -- a producer -------------------------------------------------------------------------------


def producer(
    app: Any, task: str, options: dict[str, Any]
) -> Callable[[Mapping[str, Any], Any, Any], object]:
    """Enqueues one job of the plan, with these positional and named arguments."""
    if task == OWN_TASK:
        _register()
    app.loader.import_default_modules()
    app.finalize()
    called = app.tasks[task]

    def enqueue(job: Mapping[str, Any], args: Any, kwargs: Any) -> object:
        said: dict[str, Any] = {**options, "task_id": job["id"]}
        if job["delay_s"]:
            said["countdown"] = job["delay_s"]
        if job["route"]:
            said["queue"] = job["route"]
        return called.apply_async(args, kwargs, **said)

    return enqueue
