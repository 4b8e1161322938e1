"""Dramatiq from the inside: connects the probe to its threads, tells what a broker is, enqueues.

A worker is a master, which forks processes; in each a thread per queue fetches messages for the
threads that run them. ``WorkerThread.process_message`` is called where a message is run, with its
actor inside; the message is acknowledged, or rejected, by ``ack`` and ``nack`` of its consumer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import local
from typing import Any

from ...inside.imports import when_imported
from ...inside.probe import InHand, probe
from ...inside.redis_pool import url_of

OWN_TASK = "jobquake.play"
RETRIES = ("max_retries", "min_backoff", "max_backoff", "time_limit", "max_age")
OF_THE_BROKER = (
    "heartbeat_timeout",
    "maintenance_chance",
    "namespace",
    "dead_message_ttl",
    "confirm_delivery",
)

in_hand = InHand()
_current = local()  # ``job``: the id of the message that this thread is about to run


# -- in a worker ----------------------------------------------------------------------------


def hook() -> None:
    """Dramatiq has been imported: watch it from now on."""
    probe().watches()
    when_imported("dramatiq.worker", _watch_worker)
    when_imported("dramatiq.actor", lambda module: _watch_body(module.Actor))
    when_imported("dramatiq.brokers.redis", lambda module: _watch_acks(module._RedisConsumer))
    when_imported("dramatiq.brokers.rabbitmq", lambda module: _watch_sent(module._RabbitmqConsumer))


def _watch_worker(module: Any) -> None:
    worker = module.Worker
    consumer, runner = _threads(module)
    start, handle, process = worker.start, consumer.handle_message, runner.process_message

    def started(self: Any) -> Any:
        _declare(self.broker)
        for queue in self.consumer_whitelist or ():
            self.broker.declare_queue(queue)
        self.broker.actors.pop(probe().forgotten, None)
        found = start(self)
        probe().hooked()
        return found

    def handled(self: Any, message: Any) -> Any:
        if "eta" not in message.options and probe().knows(message.message_id):
            probe().received(message.message_id)
            if probe().forgotten:
                probe().unknown(message.message_id)
        return handle(self, message)

    def processed(self: Any, message: Any) -> Any:
        _current.job = message.message_id
        try:
            return process(self, message)
        finally:
            _current.job = ""

    worker.start, consumer.handle_message = started, handled
    runner.process_message = processed


def _threads(module: Any) -> tuple[Any, Any]:
    """The classes of the threads that fetch and that run; older versions hide their names."""
    names = vars(module)
    return (
        names.get("ConsumerThread") or names["_ConsumerThread"],
        names.get("WorkerThread") or names["_WorkerThread"],
    )


def _watch_body(actor_class: Any) -> None:
    call = actor_class.__call__

    def watched(self: Any, *args: Any, **kwargs: Any) -> Any:
        identifier = getattr(_current, "job", "")
        _current.job = ""  # an actor that calls another runs it itself
        if not identifier or not probe().knows(identifier):
            return call(self, *args, **kwargs)
        in_hand.begins(identifier)
        try:
            found = call(self, *args, **kwargs)
        except BaseException:
            in_hand.ends(identifier, raised=True)
            raise
        in_hand.ends(identifier, raised=False)
        return found

    actor_class.__call__ = watched


def _watch_acks(consumer_class: Any) -> None:
    ack = consumer_class.ack

    def watched(self: Any, message: Any) -> Any:
        delayed = self.queue_name.endswith(".DQ")  # its ack is that of a copy that is ready now
        if delayed or not probe().knows(message.message_id):
            return ack(self, message)
        taken = probe().again(message.message_id)
        taken.acking()
        found = ack(self, message)
        taken.acked()
        return found

    consumer_class.ack = watched


def _watch_sent(consumer_class: Any) -> None:
    """On RabbitMQ: an ack is sent some time after it was asked for."""
    ack = consumer_class.ack

    def watched(self: Any, message: Any) -> Any:
        delayed = self.queue_name.endswith(".DQ")
        if not delayed and probe().knows(message.message_id):
            taken = probe().again(message.message_id)
            taken.acking()
            _waiting(self.channel)[message._tag] = taken
        return ack(self, message)

    consumer_class.ack = watched


def _waiting(channel: Any) -> dict[int, Any]:
    """What is to be acknowledged on that channel, by tags; each is told when it has been sent."""
    found: dict[int, Any] | None = vars(channel).get("jobquake")
    if found is not None:
        return found
    waiting = channel.jobquake = {}
    send = channel.basic_ack

    def basic_ack(tag: int = 0, *rest: Any, **named: Any) -> Any:
        sent = send(tag, *rest, **named)
        if tag in waiting:
            waiting.pop(tag).acked()
        return sent

    channel.basic_ack = basic_ack
    return waiting


# -- jobquake's own task --------------------------------------------------------------------


def _declare(broker: Any, queue: str = "default") -> Any:
    """The actor that plays what a plan says, for whoever names none of the team's."""
    from dramatiq import Actor

    if OWN_TASK in broker.actors:
        return broker.actors[OWN_TASK]

    def play(identifier: str, *args: object, **kwargs: object) -> None:
        in_hand.playing(identifier).play()

    return Actor(play, broker=broker, actor_name=OWN_TASK, queue_name=queue, priority=0, options={})


# -- looking at a broker ------------------------------------------------------------------------


def recognises(found: Any) -> bool:
    """Whether that is a broker of Dramatiq, or one of its actors, which has one."""
    return any(
        kind.__name__ in ("Broker", "Actor") and kind.__module__.partition(".")[0] == "dramatiq"
        for kind in type(found).__mro__
    )


def look(found: Any, task: str) -> dict[str, Any]:
    """What the broker is, as far as the harness needs to know it; ``task`` may be empty."""
    from dramatiq import __version__

    broker = _broker(found)
    names = {name: f"{actor.fn.__module__}.{actor.fn.__name__}" for name, actor in _actors(broker)}
    name = task if task in names else next((n for n, p in names.items() if p == task), "")
    actor = broker.actors.get(name)
    retries = next((m for m in broker.middleware if type(m).__name__ == "Retries"), None)
    return {
        "version": __version__,
        "broker": _url(broker),
        "queue": actor.queue_name if actor else "default",
        "queues": sorted(broker.get_declared_queues()),
        "tasks": sorted(names),
        "task": name,
        "settings": {
            **{key: getattr(broker, key, None) for key in OF_THE_BROKER},
            "max_retries": getattr(retries, "max_retries", None),
            "min_backoff": getattr(retries, "min_backoff", None),
            "retries": retries is not None,
            "names_broker": broker is found,
        },
        "of_task": {key: actor.options.get(key) for key in RETRIES} if actor else {},
    }


def _broker(found: Any) -> Any:
    return getattr(found, "broker", found)


def _actors(broker: Any) -> list[tuple[str, Any]]:
    return [(name, actor) for name, actor in broker.actors.items() if name != OWN_TASK]


def _url(broker: Any) -> str:
    """Where its Redis or RabbitMQ is; of another broker what it is."""
    parameters: Any = getattr(broker, "parameters", None)
    if isinstance(parameters, list):
        parameters = parameters[0] if parameters else None
    if hasattr(parameters, "virtual_host"):
        return f"amqp://{parameters.host}:{parameters.port}/{parameters.virtual_host.strip('/')}"
    client = getattr(broker, "client", None)
    if client is None or not hasattr(client, "connection_pool"):
        return f"{type(broker).__name__}://"
    return url_of(client.connection_pool)


# -- a producer -------------------------------------------------------------------------------


def producer(
    found: Any, task: str, options: dict[str, Any]
) -> Callable[[Mapping[str, Any], Any, Any], object]:
    """Enqueues one job of the plan, with these positional and named arguments."""
    broker = _broker(found)
    actor = _declare(broker) if task == OWN_TASK else broker.actors[task]

    def enqueue(job: Mapping[str, Any], args: Any, kwargs: Any) -> object:
        if task == OWN_TASK:
            args = (job["id"], *args)
        message = actor.message_with_options(args=tuple(args), kwargs=kwargs, **options)
        changed = {"message_id": job["id"]}
        if job["route"]:
            broker.declare_queue(job["route"])
            changed["queue_name"] = job["route"]
        delay_ms = int(job["delay_s"] * 1000) or None
        return broker.enqueue(message.copy(**changed), delay=delay_ms)

    return enqueue
