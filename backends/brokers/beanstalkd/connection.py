"""The queue's commands in beanstalkd's words: one attempt at a time, each with a deadline.

What a job is enqueued with decides how long its leases are (time-to-run), so they are set for all
jobs together (``lease_s``). The number that beanstalkd gives a job is the token of each of its
deliveries: a delete or a touch by whoever lost the job is refused only while another one has it.
Whoever settles a job that this connection was not given looks first whether it is that job.

beanstalkd counts in whole seconds: whatever is shorter is rounded up.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil
from random import Random

from ....protocol.commands import (
    Ack,
    Command,
    Delivery,
    Depth,
    Enqueue,
    Enqueued,
    Extend,
    Failed,
    Inspect,
    Inspected,
    Job,
    Lease,
    Leased,
    ListDead,
    Measure,
    Measured,
    Nack,
    Refused,
    Release,
    Replay,
    Reply,
    Settled,
    State,
)
from ...reference.backoff import delay_s
from ...reference.core import unfit, unfit_lease
from .client import Answer, Client, request
from .jobs import Jobs
from .tubes import encode, job_in, queue_of, tube_of, urgency_of

DEFAULT = "default"  # the tube that a new connection uses and watches
STATES: dict[str, State] = {
    "reserved": "leased",
    "ready": "ready",
    "delayed": "ready",
    "buried": "dead",
}
NO_LETTERS = "beanstalkd buries a job without a reason"
LACKING = ("OUT_OF_MEMORY", "INTERNAL_ERROR", "DRAINING", "BURIED")


class BeanstalkdConnection:
    """See :class:`...adapter.Connection`."""

    def __init__(self, address: str, timeout_s: float, lease_s: float) -> None:
        self._address = address
        self._timeout_s = timeout_s
        self._lease_s = max(1, ceil(lease_s))
        self._rng = Random()
        self._open: _Open | None = None

    def attempt(self, command: Command) -> Reply | None:
        wait_s = ceil(command.wait_s) if isinstance(command, Lease) else 0
        try:
            if self._open is None:
                self._open = _Open(self._address, self._timeout_s)
            self._open.client.within(self._timeout_s + wait_s)
            return self._reply(self._open, command)
        except OSError:
            self.close()
            return None

    def close(self) -> None:
        if self._open:
            self._open.client.close()
        self._open = None

    def _reply(self, opened: _Open, command: Command) -> Reply:
        match command:
            case Enqueue(job):
                return self._enqueue(opened, job)
            case Lease():
                return self._lease(opened, command)
            case Ack():
                return opened.ack(command)
            case Nack():
                return self._nack(opened, command)
            case Release(token=token):
                return opened.give_back(token, 0)
            case Extend(token=token, lease_s=lease_s):
                if why := unfit_lease("", lease_s):
                    return Refused(why)
                return _settled(opened.client.ask("touch", token), "TOUCHED")
            case Inspect(job_id):
                return _inspected(opened.jobs.of(job_id))
            case Measure():
                return Measured(tuple(_depths(opened.client)), {})
            case ListDead() | Replay():
                return Refused(NO_LETTERS)

    def _enqueue(self, opened: _Open, job: Job) -> Reply:
        if why := unfit(job):
            return Refused(why)
        head = ("put", urgency_of(job.priority), ceil(job.delay_s), self._lease_s)
        said = opened.put(tube_of(job.queue), request(*head, body=encode(job)))
        if said.word == "INSERTED":
            return Enqueued(created=True)
        if said.word == "JOB_TOO_BIG":
            return Refused("beanstalkd found the job too big")
        return _failed(said)

    def _lease(self, opened: _Open, command: Lease) -> Reply:
        if why := unfit_lease(command.worker, command.lease_s):
            return Refused(why)
        said = opened.reserve(tuple(map(tube_of, command.queues)), ceil(command.wait_s))
        if said.word in ("TIMED_OUT", "DEADLINE_SOON"):
            return Leased(None)
        job = job_in(said.body)
        if said.word != "RESERVED" or job is None:
            return _failed(said)
        token = int(said.rest[0])
        opened.held[token] = job
        told = opened.client.ask("stats-job", token).fields
        return Leased(Delivery(job, token, int(told["reserves"]), float(told["ttr"])))

    def _nack(self, opened: _Open, command: Nack) -> Reply:
        """Release the job with its backoff as delay; bury it if it can never succeed, or has
        been handed out as often as it may be."""
        told = opened.client.ask("stats-job", command.token)
        job = opened.held.get(command.token)
        if told.word != "OK" or job is None:
            return Settled(accepted=False, why="not reserved by this connection")
        deliveries, before_s = int(told.fields["reserves"]), float(told.fields["delay"])
        if command.permanent or deliveries >= job.max_deliveries:
            return opened.bury(command.token)
        pause_s = delay_s(job.retry, deliveries, before_s, self._rng)
        return opened.give_back(command.token, ceil(pause_s))


class _Open:
    """An open connection, what the server knows of it, and what it has told over it."""

    def __init__(self, address: str, timeout_s: float) -> None:
        self.client = Client(address, timeout_s)
        self.jobs = Jobs(self.client)
        self.held: dict[int, Job] = {}
        self._used = DEFAULT
        self._watched: Sequence[str] = (DEFAULT,)

    def put(self, tube: str, job: bytes) -> Answer:
        use = [request("use", tube)] if tube != self._used else []
        *_, said = self.client.ask_all([*use, job])
        self._used = tube
        return said

    def reserve(self, tubes: Sequence[str], wait_s: int) -> Answer:
        watch = [request("watch", tube) for tube in tubes if tube not in self._watched]
        ignore = [request("ignore", tube) for tube in self._watched if tube not in tubes]
        *_, said = self.client.ask_all([*watch, *ignore, request("reserve-with-timeout", wait_s)])
        self._watched = tubes
        return said

    def ack(self, command: Ack) -> Reply:
        if command.token not in self.held:
            found = self.client.ask("peek", command.token)
            job = job_in(found.body)
            if job is None or job.id != command.job_id:
                return Settled(accepted=False, why="there is no such job")
        self.held.pop(command.token, None)
        return _settled(self.client.ask("delete", command.token), "DELETED")

    def give_back(self, token: int, pause_s: int) -> Reply:
        job = self.held.pop(token, None)
        urgency = urgency_of(job.priority if job else 0)
        return _settled(self.client.ask("release", token, urgency, pause_s), "RELEASED")

    def bury(self, token: int) -> Reply:
        urgency = urgency_of(self.held.pop(token).priority)
        return _settled(self.client.ask("bury", token, urgency), "BURIED")


def _settled(said: Answer, wanted: str) -> Reply:
    if said.word == wanted:
        return Settled(accepted=True)
    if said.word == "NOT_FOUND":
        return Settled(accepted=False, why="beanstalkd has no such job of this connection")
    return _failed(said)


def _failed(said: Answer) -> Failed:
    words = " ".join((said.word, *said.rest))
    return Failed(words, environment=said.word in LACKING)


def _inspected(found: list[dict[str, str]]) -> Inspected:
    """The liveliest of the jobs of one id."""
    for name, state in STATES.items():
        for told in found:
            if told["state"] == name:
                return Inspected(state, int(told["reserves"]), where=f"{name} in beanstalkd")
    return Inspected(None)


def _depths(client: Client) -> Iterator[Depth]:
    tubes = client.ask("list-tubes").names
    for tube, said in zip(
        tubes, client.ask_all([request("stats-tube", tube) for tube in tubes]), strict=True
    ):
        told = said.fields
        counts = {name: int(told.get(f"current-jobs-{name}", 0)) for name in STATES}
        queue = queue_of(tube)
        yield Depth(queue, "ready", counts["ready"] + counts["delayed"], 0.0)
        yield Depth(queue, "leased", counts["reserved"], 0.0)
        yield Depth(queue, "dead", counts["buried"], 0.0)
