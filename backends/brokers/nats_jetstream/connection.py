"""The queue's commands in JetStream's words: one attempt at a time, each with a deadline.

One stream holds all jobs until they are acknowledged (retention ``workqueue``), and each queue has
a consumer of its own. What a consumer is made with decides how long leases are (``ack_wait``), so
they are set for all jobs together. Where a delivery is to be acknowledged is kept here, as any
worker keeps it for as long as it runs the job; its token is its number among its consumer's.

An acknowledgement asks for an answer. The server gives one to whoever asks, also where it had
nothing to do: that a settlement was accepted says no more than that it arrived.
"""

from __future__ import annotations

import json
import time
from random import Random

from ....protocol.commands import (
    Ack,
    Command,
    Delivery,
    Enqueue,
    Enqueued,
    Extend,
    Failed,
    Inspect,
    Job,
    Lease,
    Leased,
    ListDead,
    Measure,
    Nack,
    Refused,
    Release,
    Replay,
    Reply,
    Settled,
)
from ...reference.backoff import delay_s
from ...reference.core import unfit, unfit_lease
from .client import Answer, Client, NatsError, answered
from .look import inspected, measured
from .words import API, STREAM, encode, job_in, subject_of, token_of

NS = 1_000_000_000
LOOK_EVERY_S = 0.1  # for how long one of several queues is waited for
NOTHING = ("404", "408")  # no message; none in time
LACKING = ("insufficient", "maximum", "no space", "503")
NO_LETTERS = "JetStream keeps no message that was terminated, and has no list of such"


class NatsConnection:
    """See :class:`...adapter.Connection`."""

    def __init__(self, address: str, timeout_s: float, lease_s: float, in_memory: bool) -> None:
        self._address = address
        self._timeout_s = timeout_s
        self._lease_s = lease_s
        self._storage = "memory" if in_memory else "file"
        self._rng = Random()
        self._client: Client | None = None
        self._consumers: set[str] = set()
        self._given: dict[tuple[str, int], tuple[Job, str, int]] = {}

    def attempt(self, command: Command) -> Reply | None:
        wait_s = command.wait_s if isinstance(command, Lease) else 0.0
        try:
            client = self._opened()
            client.within(self._timeout_s + wait_s)
            return self._reply(client, command)
        except NatsError as error:
            words = str(error)
            self.close()  # it may have lost its stream; the next attempt makes it
            return Failed(words, environment=any(word in words for word in LACKING))
        except OSError:
            self.close()
            return None

    def close(self) -> None:
        if self._client:
            self._client.close()
        self._client = None

    def _opened(self) -> Client:
        """The connection, over which the stream has been made unless it was there."""
        if self._client is None:
            self._client = Client(self._address, self._timeout_s)
            self._consumers = set()
            told = {
                "name": STREAM,
                "subjects": [f"{STREAM}.>"],
                "retention": "workqueue",
                "storage": self._storage,
                "num_replicas": 1,
            }
            self._client.ask_api(f"{API}.STREAM.CREATE.{STREAM}", told)
        return self._client

    def _consumer(self, client: Client, queue: str) -> str:
        """The name of the consumer of that queue, which is made unless it is there."""
        name = token_of(queue)
        if name not in self._consumers:
            told = {
                "durable_name": name,
                "filter_subject": f"{STREAM}.{name}.*",
                "deliver_policy": "all",
                "ack_policy": "explicit",
                "ack_wait": int(self._lease_s * NS),
                "max_deliver": -1,
                "max_ack_pending": -1,
            }
            request = {"stream_name": STREAM, "config": told}
            client.ask_api(f"{API}.CONSUMER.DURABLE.CREATE.{STREAM}.{name}", request)
            self._consumers.add(name)
        return name

    def _reply(self, client: Client, command: Command) -> Reply:
        match command:
            case Enqueue(job):
                if why := unfit(job):
                    return Refused(why)
                said = answered(client.ask(subject_of(job), encode(job), token_of(job.id)))
                return Enqueued(created=not said.get("duplicate", False))
            case Lease():
                return self._lease(client, command)
            case Ack() | Nack() | Release() | Extend():
                if isinstance(command, Extend) and (why := unfit_lease("", command.lease_s)):
                    return Refused(why)
                return self._settle(client, command)
            case Inspect(job_id):
                return inspected(client, job_id)
            case Measure():
                return measured(client)
            case ListDead() | Replay():
                return Refused(NO_LETTERS)

    def _lease(self, client: Client, command: Lease) -> Reply:
        if why := unfit_lease(command.worker, command.lease_s):
            return Refused(why)
        names = [self._consumer(client, queue) for queue in command.queues]
        until = time.monotonic() + command.wait_s
        wait_s = 0.0
        while True:
            for name in names:
                answer = _next(client, name, wait_s)
                if answer is not None:
                    return self._handed_out(answer)
            left_s = until - time.monotonic()
            if left_s <= 0:
                return Leased(None)
            wait_s = left_s if len(names) == 1 else min(left_s, LOOK_EVERY_S)

    def _handed_out(self, answer: Answer) -> Reply:
        job = job_in(answer.body)
        if job is None:
            return Failed(f"expected a job at {answer.subject}, found something else")
        delivered, _, token = map(int, answer.reply_to.split(".")[4:7])
        self._given[job.id, token] = (job, answer.reply_to, delivered)
        return Leased(Delivery(job, token, delivered, self._lease_s))

    def _settle(self, client: Client, command: Ack | Nack | Release | Extend) -> Reply:
        given = self._given.get((command.job_id, command.token))
        if given is None:
            return Settled(accepted=False, why="it was never given such a delivery")
        job, place, delivered = given
        match command:
            case Ack():
                word = b"+ACK"
            case Extend():
                word = b"+WPI"
            case Release():
                word = b"-NAK"
            case Nack(permanent=permanent):
                if permanent or delivered >= job.max_deliveries:
                    word = b"+TERM"
                else:
                    pause_s = delay_s(job.retry, delivered, 0.0, self._rng)
                    word = b"-NAK " + json.dumps({"delay": max(1, int(pause_s * NS))}).encode()
        if status := client.ask(place, word).status:
            raise NatsError(f"status {status}")
        return Settled(accepted=True)


def _next(client: Client, name: str, wait_s: float) -> Answer | None:
    """The next message of that consumer, which may come in so many seconds."""
    told: dict[str, object] = {"batch": 1}
    told |= {"expires": int(wait_s * NS)} if wait_s > 0.001 else {"no_wait": True}
    subject = f"{API}.CONSUMER.MSG.NEXT.{STREAM}.{name}"
    answer = client.ask(subject, json.dumps(told).encode())
    if answer.status.startswith(NOTHING):
        return None
    if answer.status:
        raise NatsError(f"status {answer.status}")
    return answer
