"""The queue's commands in RabbitMQ's words: one attempt at a time, each with a deadline.

Each delivery has a channel of its own, on which it is acknowledged, and with which it ends: a tag
means nothing anywhere else. So the word of a holder whose channel is closed is refused here, as by
any client. What is held is kept for as long as this connection lasts, and no longer.

Nothing makes a delivery last longer than the server's ``consumer_timeout``.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

from ....errors import EnvironmentFault
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
from ...reference.core import unfit, unfit_lease
from .client import CHANNELS, PUBLISHING, AmqpError, Client, Given
from .look import inspected, measured
from .words import LETTERS, encode, job_in, place_of

LOOK_AGAIN_S = 0.05
FIRST = PUBLISHING + 1  # the channels of deliveries
MULTIPLE, BACK = 1, 2  # bits of basic.nack
REJECTED_BACK = 1  # the bit of basic.reject
LACKING = ("disk", "memory", "noproc", "timeout", "RESOURCE", "INTERNAL_ERROR")
NO_LETTERS = "RabbitMQ keeps dead letters in a queue: they are taken and published, not listed"
NEVER_GIVEN = "no channel of this connection was given such a delivery"
NO_LONGER = "AMQP has no word that makes a delivery last longer"


class Kind(NamedTuple):
    """How queues are declared and messages sent. ``confirms``: who enqueues waits for the word."""

    type: str
    durable: bool = True
    confirms: bool = True


class Held(NamedTuple):
    job: Job
    channel: int
    tag: int
    number: int


class RabbitConnection:
    """See :class:`...adapter.Connection`."""

    def __init__(
        self,
        address: str,
        timeout_s: float,
        lease_s: float,
        kind: Kind,
        deliveries: int | None = None,
    ) -> None:
        self._address = address
        self._timeout_s = timeout_s
        self._lease_s = lease_s
        self._kind = kind
        self._deliveries = deliveries
        self._client: Client | None = None
        self._declared = set[str]()
        self._held: dict[tuple[str, int], Held] = {}
        self._given = 0

    def attempt(self, command: Command) -> Reply | None:
        if isinstance(command, Inspect | Measure):
            return self._look(command)
        try:
            client = self._opened()
            client.within(self._timeout_s)
            return self._reply(client, command)
        except AmqpError as error:
            self.close()
            words = str(error)
            return Failed(words, environment=any(word in words for word in LACKING))
        except OSError:
            self.close()
            return None

    def close(self) -> None:
        if self._client:
            self._client.close()
        self._client = None
        self._held.clear()

    def _look(self, command: Inspect | Measure) -> Reply | None:
        """Ask at its own door. A server that has just come back may not be able to say yet."""
        until = time.monotonic() + self._timeout_s
        while True:
            try:
                if isinstance(command, Inspect):
                    return inspected(self._address, command.job_id)
                return measured(self._address)
            except OSError:
                return None
            except EnvironmentFault:
                if time.monotonic() > until:
                    return None
            time.sleep(LOOK_AGAIN_S)

    def _opened(self) -> Client:
        if self._client is None:
            self._client = Client(self._address, self._timeout_s)
            self._declared.clear()
            if self._kind.confirms:
                self._client.ask(PUBLISHING, "confirm.select", bytes(1))
        return self._client

    def _place(self, client: Client, queue: str) -> str:
        """Where that queue is, which is declared unless it is known to be there."""
        place = place_of(queue)
        for known, letters in ((LETTERS, False), (place, True)):
            if known not in self._declared:
                told: dict[str, str | int] = {"x-queue-type": self._kind.type}
                if letters:
                    told["x-dead-letter-exchange"] = ""
                    told["x-dead-letter-routing-key"] = LETTERS
                if letters and self._counts and self._deliveries is not None:
                    told["x-delivery-limit"] = self._deliveries - 1  # how often it may come back
                client.declare(known, self._kind.durable, told)
                self._declared.add(known)
        return place

    def _reply(self, client: Client, command: Command) -> Reply:
        match command:
            case Enqueue(job):
                return self._enqueue(client, job)
            case Lease():
                return self._lease(client, command)
            case Ack() | Nack() | Release():
                return self._settle(client, command)
            case Extend(lease_s=lease_s):
                why = unfit_lease("", lease_s)
                return Refused(why) if why else Settled(accepted=False, why=NO_LONGER)
            case ListDead() | Replay():
                return Refused(NO_LETTERS)
            case _:
                raise AssertionError(command)

    def _enqueue(self, client: Client, job: Job) -> Reply:
        if why := unfit(job):
            return Refused(why)
        place = self._place(client, job.queue)
        client.publish(place, job.id, encode(job), self._kind.durable)
        if self._kind.confirms and not client.confirmed():
            return Failed("RabbitMQ answered basic.nack")
        return Enqueued(created=True)

    def _lease(self, client: Client, command: Lease) -> Reply:
        if why := unfit_lease(command.worker, command.lease_s):
            return Refused(why)
        places = [self._place(client, queue) for queue in command.queues]
        until = time.monotonic() + command.wait_s
        channel = self._free_channel(client)
        for place in places:
            if given := client.take(channel, place):
                return self._handed_out(given)
        left_s = until - time.monotonic()
        given = self._waited_for(client, channel, places, left_s) if left_s > 0 else None
        return self._handed_out(given) if given else Leased(None)

    def _waited_for(
        self, client: Client, channel: int, places: Sequence[str], wait_s: float
    ) -> Given | None:
        """The first message that comes; what comes besides of another queue is put back."""
        for place in places:
            client.consume(channel, place, place)
        client.wait(channel, wait_s)
        client.within(self._timeout_s)
        for place in places:
            client.cancel(channel, place)
        pushed = client.pushed(channel)
        for other in pushed[1:]:
            client.settle(channel, "basic.nack", other.tag.to_bytes(8, "big"), bytes([BACK]))
        return pushed[0] if pushed else None

    def _free_channel(self, client: Client) -> int:
        """One that has no delivery."""
        self._held = {
            of: held for of, held in self._held.items() if not client.is_closed(held.channel)
        }
        taken = {held.channel for held in self._held.values()}
        for channel in range(FIRST, CHANNELS):
            if channel not in taken and not client.is_closed(channel):
                return channel
        raise ConnectionError("no channel is left")

    def _handed_out(self, given: Given) -> Reply:
        job = job_in(given.body)
        if job is None:
            return Failed("expected a job in a message, found something else")
        number = given.returns + 1 if self._counts else 1 + given.redelivered
        self._given += 1
        token = number if self._counts else self._given
        self._held[job.id, token] = Held(job, given.channel, given.tag, number)
        return Leased(Delivery(job, token, number, self._lease_s))

    @property
    def _counts(self) -> bool:
        """Whether deliveries are counted: else a message says only that it was handed out."""
        return self._kind.type == "quorum"

    def _settle(self, client: Client, command: Ack | Nack | Release) -> Reply:
        held = self._held.get((command.job_id, command.token))
        if held is None:
            return Settled(accepted=False, why=NEVER_GIVEN)
        tag = held.tag.to_bytes(8, "big")
        match command:
            case Ack():
                word, bits = "basic.ack", 0
            case Release():
                word, bits = "basic.nack", BACK
            case Nack(permanent=permanent):
                over = permanent or held.number >= held.job.max_deliveries
                word, bits = "basic.reject", 0 if over else REJECTED_BACK
        try:
            client.settle(held.channel, word, tag, bytes([bits]))
        except AmqpError as closed:
            if not client.is_closed(held.channel):
                raise
            del self._held[command.job_id, command.token]
            return Settled(accepted=False, why=str(closed))
        del self._held[command.job_id, command.token]
        return Settled(accepted=True)
