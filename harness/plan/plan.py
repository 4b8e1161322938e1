"""The plan: a scenario made concrete by a seed. Every job, every fault, every time.

Plain data, the one thing that drivers execute; it replays anywhere (:mod:`.replay`).
"""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import Literal

from msgspec import Struct

from ...protocol.commands import Job, ListDead, RetryPolicy
from ...protocol.operator import operator
from ...protocol.producer import Client, Stray, producer
from ..faults import AnyFault, LinkFault
from .payload import payload
from .senseless import senseless

Sink = Literal["blind", "keyed", "upsert", "set"]
Behaviour = Literal["ok", "fail", "permanent", "depends", "malformed", "hang", "hang_in_c", "spin"]
NEVER_BACK: tuple[Behaviour, ...] = ("hang", "hang_in_c", "spin")


def full_name(scenario: str, variant: str) -> str:
    """The scenario, and its variant unless it is the usual one."""
    return scenario if variant == "default" else f"{scenario}:{variant}"


class Queue(Struct, frozen=True, array_like=True):
    """A queue; ``bound_s`` is how long its jobs may wait for a worker, None: no bound.

    Producers ask it to refuse a job when ``max_waiting`` others wait in it already.
    """

    name: str
    bound_s: float | None = None
    max_waiting: int | None = None


class Pool(Struct, frozen=True, array_like=True):
    """``workers`` workers that serve these queues and no others."""

    name: str
    queues: tuple[str, ...]
    workers: int


class PlannedJob(Struct, frozen=True, array_like=True, omit_defaults=True):
    """Enqueue at ``at_s``; runs for ``service_s``. Times are seconds.

    Behaviours: ``fail`` on the first ``failures`` deliveries; ``permanent`` failure;
    ``depends`` on something that an :class:`Outage` takes away; ``malformed`` until an
    outage is over, which is to say until the fix; three ways of never coming back.
    ``flood`` marks jobs that exist to get in others' way. ``same_work_as`` is the index of
    a job that this one submits again under another id, with the same idempotency key, unless
    it has its ``own_key``. ``again_after_s`` later the job is submitted again under its own id,
    by the next producer. ``sink`` is how the world takes its effect, None: as the plan says.
    ``payload_bytes`` is how long its payload is (:mod:`.payload`). ``name`` is its id behind the
    plan's label, empty: ``job-`` and its index.
    """

    at_s: float
    queue: int
    service_s: float
    behaviour: Behaviour = "ok"
    failures: int = 0
    flood: bool = False
    priority: int = 0
    timeout_s: float = 30.0
    delay_s: float = 0.0
    same_work_as: int = -1
    own_key: bool = False
    again_after_s: float | None = None
    sink: Sink | None = None
    payload_bytes: int = 0
    name: str = ""


class ReplayDead(Struct, frozen=True, array_like=True, tag="replay_dead"):
    """At ``at_s`` an operator replays at most ``at_most`` dead letters, oldest first.

    Only those of ``queue`` and those whose reason contains ``reason``, if given.
    """

    at_s: float
    queue: str | None = None
    reason: str | None = None
    at_most: int = 1000


class Senseless(Struct, frozen=True, array_like=True, tag="senseless"):
    """At ``at_s`` somebody sends a command that makes no sense (``what`` of :mod:`.senseless`).

    Where it is about a job, it is about this one.
    """

    at_s: float
    what: str
    job: int = 0


Action = ReplayDead | Senseless


class Plan(Struct, frozen=True, array_like=True, dict=True):
    """Everything a run needs. ``must_hit`` names the bite-matrix cells that must be filled.

    ``call_timeout_s`` bounds each attempt of a call, ``deadline_s`` the whole run after
    its start; ``latency_s`` is one way of the simulated network. ``actions`` are what an
    operator does meanwhile. ``label`` begins the ids and keys of the jobs, so that runs on
    one queue can tell theirs apart. ``recovery_s``: while something of a library's own workers has
    moved within so many seconds, the deadline waits, for one such time after each death at most.
    ``late_words``: workers say more of a job that they have acked (:class:`..WorkerOptions`).
    """

    scenario: str
    variant: str
    seed: int
    queues: tuple[Queue, ...]
    pools: tuple[Pool, ...]
    jobs: tuple[PlannedJob, ...]
    faults: tuple[AnyFault, ...]
    guarantees: tuple[str, ...]
    must_hit: tuple[tuple[str, str], ...] = ()
    sink: Sink = "keyed"
    lease_s: float = 1.0
    wait_s: float = 0.5
    grace_s: float = 5.0
    call_timeout_s: float = 0.3
    deadline_s: float = 30.0
    max_deliveries: int = 4
    retry: RetryPolicy = RetryPolicy(0.05, 2.0, 1.0, "full")
    latency_s: float = 0.0005
    restart_s: float = 0.05
    producers: int = 2
    actions: tuple[Action, ...] = ()
    label: str = ""
    recovery_s: float = 0.0
    late_words: bool = False

    @property
    def full_name(self) -> str:
        """The scenario, and its variant unless it is the usual one."""
        return full_name(self.scenario, self.variant)

    @property
    def workers(self) -> list[Pool]:
        """The pool of each worker, by worker number."""
        return [pool for pool in self.pools for _ in range(pool.workers)]

    def schedule(self, producer: int) -> list[tuple[float, Job]]:
        """What that producer enqueues, in order; jobs are dealt out in turn."""
        mine = []
        for index, planned in enumerate(self.jobs):
            if index % self.producers == producer:
                mine.append((planned.at_s, index))
            again_s = planned.again_after_s
            if again_s is not None and (index + 1) % self.producers == producer:
                mine.append((planned.at_s + again_s, index))
        return [(at_s, self.job(index)) for at_s, index in sorted(mine)]

    def job(self, index: int) -> Job:
        planned = self.jobs[index]
        queue = self.queues[planned.queue]
        shares_key = planned.same_work_as >= 0 and not planned.own_key
        work = planned.same_work_as if shares_key else index
        return Job(
            id=self.job_id(index),
            queue=queue.name,
            payload=self.payload(index),
            key=f"{self.label}effect-{work}",
            priority=planned.priority,
            delay_s=planned.delay_s,
            max_deliveries=self.max_deliveries,
            timeout_s=planned.timeout_s,
            retry=self.retry,
            max_waiting=queue.max_waiting,
        )

    def payload(self, index: int) -> bytes:
        """What the job carries: the same bytes for the same id, other ones for another."""
        return payload(self.job_id(index), self.jobs[index].payload_bytes)

    def job_id(self, index: int) -> str:
        name = self.jobs[index].name if 0 <= index < len(self.jobs) else ""
        return f"{self.label}{name or f'job-{index}'}"

    def job_index(self, identifier: str) -> int:
        """The index of a job id, or -1 if this plan never made such a job."""
        if self._named:
            return self._named.get(identifier, -1)
        return _job_index(identifier, self.label)

    @cached_property
    def _named(self) -> dict[str, int]:
        """The index of each id, where a job has a name of its own."""
        if not any(job.name for job in self.jobs):
            return {}
        return {self.job_id(index): index for index in range(len(self.jobs))}

    def queue_mask(self, names: tuple[str, ...]) -> int:
        """These queues as one number for a row, a bit each. 0: the plan has one, or too many."""
        if not 1 < len(self.queues) < 63:
            return 0
        return sum(1 << n for n, queue in enumerate(self.queues) if queue.name in names)

    @property
    def clients(self) -> int:
        """How many nodes are not workers: the producers, and an operator if it has work."""
        return self.producers + bool(self.actions)

    def client(self, number: int) -> Client:
        """What that client does: a producer, or the operator behind the last one."""
        if number < self.producers:
            return producer(self.schedule(number))
        return operator(
            (action.at_s, self._order(action))
            for action in sorted(self.actions, key=lambda action: action.at_s)
            if self.jobs or isinstance(action, ReplayDead)  # a stray word names a job
        )

    def _order(self, action: Action) -> ListDead | Stray:
        """What the operator is to do."""
        if isinstance(action, ReplayDead):
            return ListDead(action.queue, action.reason, action.at_most)
        index = action.job % len(self.jobs)
        queue = self.queues[self.jobs[index].queue].name
        command = senseless(action.what, self.job_id(index), queue)
        return Stray(command, action.what)

    @property
    def healed_at_s(self) -> float:
        """When the last fault that has a time of its own is over (seconds after the start).

        Before an operator has acted, nothing is over either. What lasts for ever counts from
        its beginning: the rest must get along without.
        """
        ends = [0.0, *(action.at_s for action in self.actions)]
        return max(ends + [fault.over_at_s for fault in self.faults])

    def links(self) -> list[tuple[int, LinkFault]]:
        """The faults of the network that last from a time to a time, with their numbers."""
        return [
            (number, fault)
            for number, fault in enumerate(self.faults)
            if isinstance(fault, LinkFault)
        ]


@lru_cache(maxsize=8192)
def _job_index(identifier: str, label: str) -> int:
    number = identifier.removeprefix(f"{label}job-")
    return int(number) if number.isdecimal() and number != identifier else -1
