"""An honest little model of a queue and its workers, on which legal runs are drawn.

The model keeps the queue's truth (what is accepted, who holds which lease until when) and
draws what nobody controls: latencies, lost messages, kills, pauses, failures. It writes
the rows that the nodes would see, so every history is legal by construction. It shares no
code with the checks, which must accept all of it. Times are whole milliseconds inside.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TypedDict, Unpack

from hypothesis import strategies as st
from jobquake.backends.adapter import Claims
from jobquake.harness.faults.fault import Fault
from jobquake.harness.faults.fields import Call, NetEffect
from jobquake.harness.faults.kill_at import KillAt
from jobquake.harness.faults.kill_worker import KillWorker
from jobquake.harness.faults.net_fault import NetFault
from jobquake.harness.faults.pause_at import PauseAt
from jobquake.harness.faults.slow_network import SlowNetwork
from jobquake.harness.plan.payload import payload
from jobquake.harness.plan.plan import Behaviour
from jobquake.harness.record.facts import Outcome
from jobquake.harness.record.history import PHASES, Answer, Event, Phase, Row, row
from jobquake.protocol.commands import RetryPolicy
from jobquake.protocol.ledger import key_hash, payload_hash
from jobquake.protocol.worker import Point

CALL_TIMEOUT = 300
ENQUEUES = (
    *["accepted"] * 6, "repeated", "unanswered", "then refused", "gone", "refused", "unsent"
)  # fmt: skip
LOSSES: tuple[NetEffect | None, ...] = (*[None] * 8, "lose_request", "lose_reply")
Settling = Literal["ack", "nack", "release"]
Ending = Settling | Literal["permanent"]
CALL_PHASES = {
    ("enqueue", "lose_request"): Phase.BEFORE_LEASE,
    ("enqueue", "lose_reply"): Phase.BEFORE_LEASE,
    ("lease", "lose_reply"): Phase.LEASED,
    ("ack", "lose_request"): Phase.AFTER_EFFECT,
    ("ack", "lose_reply"): Phase.ACKED,
}


class Who(TypedDict, total=False):
    """The columns of a row that say who it is about."""

    node: int
    incarnation: int
    job: int
    token: int


class Columns(Who, total=False):
    answer: Answer
    phase: Phase
    fault: int
    key: int
    value: float


@dataclass
class Held:
    """A delivery as its worker knew it: it surely held the job from ``since`` to ``until``.

    ``told`` is when it knew that: an extension may be answered after the history has ended.
    """

    job: int
    token: int
    node: int
    since: int
    until: int
    told: int


@dataclass
class Job:
    """What the queue knows of a job. ``state`` is waiting, done, dead or gone."""

    index: int
    queue: int
    behaviour: Behaviour
    timeout: int
    priority: int = 0
    delay: int = 0
    known_at: int | None = None  # when the queue had it
    answered_at: int | None = None  # when the producer knew
    sent_at: int | None = None
    refused_at: int | None = None
    ready_at: int | None = None
    token: int = 0
    counted: int = 0
    releases: int = 0
    ended_at: int | None = None
    state: str = "waiting"

    @property
    def payload_bytes(self) -> int:
        return (0, 1, 9)[self.index % 3]


def overtakes(job: Job, other: Job) -> bool:
    """Whether the other one was ready before this one was enqueued."""
    alike = job.queue == other.queue and job.priority == other.priority
    return alike and (other.ready_at or 0) < (job.sent_at or 0)


@dataclass
class Worker:
    node: int
    incarnation: int = 1
    free_at: int = 0
    asked_at: int | None = None  # set while a lease request is being repeated


class Died(Exception):
    """The worker is dead; what it held stays leased until the lease ends."""


@dataclass
class Lease:
    """One delivery: ``end`` is the queue's truth, ``sure`` what its holder may rely on."""

    job: Job
    token: int
    end: int
    cap: int
    sure: int
    sure_cap: int
    told: int = 0
    settled: bool = False


@dataclass
class World:
    draw: st.DrawFn
    claims: Claims
    lease: int
    limit: int
    retry: RetryPolicy
    rows: list[Row] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    cells: list[tuple[int, tuple[str, str]]] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    effects: dict[int, list[int]] = field(default_factory=dict)
    leased: dict[int, int] = field(default_factory=dict)
    now: int = 0
    latest: int = 0
    last_row: int = 0

    # -- chance -------------------------------------------------------------------------

    def pick(self, low: int, high: int) -> int:
        return self.draw(st.integers(low, high))

    def rarely(self, one_in: int) -> bool:
        return self.pick(0, one_in - 1) == one_in - 1

    # -- what the harness writes --------------------------------------------------------

    def write(
        self, event: Event, *, t: int | None = None, since: int = -1, **more: Unpack[Columns]
    ) -> None:
        t = self.now if t is None else t
        self.last_row, self.latest = t, max(t, self.latest)
        at_s, since_s = t / 1000, since / 1000 if since >= 0 else -1.0
        self.rows.append(row(at_s, event, since=since_s, **more))

    def strike(
        self, kind: str, fault: Fault, phase: Phase, value: int = 0, **who: Unpack[Who]
    ) -> None:
        self.write(
            Event.FAULT_STRUCK, phase=phase, fault=len(self.faults), value=value / 1000, **who
        )
        self.faults.append(fault)
        if phase in PHASES:
            self.cells.append((self.now, (kind, PHASES[phase])))

    def lose(self, call: Call, how: NetEffect, **who: Unpack[Who]) -> None:
        phase = CALL_PHASES.get((call, how), Phase.RUNNING)
        self.strike(f"{call} {how.replace('_', ' ')}", NetFault(call, 1, how), phase, **who)

    # -- the life of a job in the queue ---------------------------------------------------

    def enqueue(self, job: Job, node: int) -> None:
        how = self.draw(st.sampled_from(ENQUEUES))
        if how == "then refused" and self.claims.idempotent_enqueue:
            how = "repeated"
        if how == "unsent":
            return
        sent = job.sent_at = self.now = self.pick(0, 500)
        self.write(Event.ENQUEUE_SENT, node=node, incarnation=1, job=job.index)
        if how not in ("gone", "refused"):
            job.known_at = self.now = sent + self.pick(0, 20)
            job.ready_at = job.known_at + job.delay
        if how in ("repeated", "unanswered", "gone"):
            lost: NetEffect = "lose_request" if how == "gone" else "lose_reply"
            self.lose("enqueue", lost, node=node, incarnation=1, job=job.index)
        if how in ("repeated", "then refused"):
            self.now += CALL_TIMEOUT
        answers = {
            "accepted": Answer.OK, "repeated": Answer.OK,
            "refused": Answer.FAILED, "then refused": Answer.UNKNOWN,
        }  # fmt: skip
        if answer := answers.get(how):
            self.now += self.pick(0, 20)
            if answer == Answer.OK:
                job.answered_at = self.now
            if answer == Answer.FAILED:
                job.refused_at = self.now
            self.write(
                Event.ENQUEUE_ANSWERED,
                since=sent, answer=answer, node=node, incarnation=1, job=job.index,
            )  # fmt: skip

    def settle(self, lease: Lease, t: int, how: str) -> None:
        """The holder of a living lease, or its end, decides what becomes of the job."""
        job, lease.settled = lease.job, True
        job.ready_at = None
        if how == "ack":
            job.state, job.ended_at = "done", t
        elif how == "release":
            job.ready_at, job.counted, job.releases = t, job.counted - 1, job.releases + 1
        elif how == "permanent" or job.counted >= self.limit:
            job.state, job.ended_at = ("dead" if self.claims.dead_letters else "gone"), t
        elif how == "expired" and self.claims.delivery == "at-most-once" and self.rarely(2):
            job.state, job.ended_at = "gone", t
        else:
            job.ready_at = t + self.backoff(job.counted)

    def backoff(self, counted: int) -> int:
        """How long the job waits after that many deliveries that count."""
        policy = self.retry
        ceiling = min(policy.cap_s, policy.base_s * policy.factor ** (counted - 1)) * 1000
        if policy.jitter == "decorrelated":
            ceiling = min(policy.cap_s, policy.base_s * 3**counted) * 1000
        lowest = {
            "full": 0.0, "equal": ceiling / 2, "none": ceiling,
            "decorrelated": min(policy.base_s, policy.cap_s) * 1000,
        }[policy.jitter]  # fmt: skip
        return self.pick(math.ceil(lowest), math.floor(ceiling))

    # -- who asks -------------------------------------------------------------------------

    def next_for(self, worker: Worker, ready: list[Job]) -> Job | None:
        """What the queue hands this worker, or None: it is told that there is nothing to do.

        Of all that is ready by then the most urgent job, and of those of a queue any but one that
        was enqueued when another was ready; nobody waits for nothing.
        """
        soonest = min(job.ready_at or 0 for job in ready)
        if soonest > worker.free_at + 1 and self.rarely(3):
            self.now = self.pick(worker.free_at, soonest - 1)
            who = Who(node=worker.node, incarnation=worker.incarnation)
            self.write(Event.NOTHING_TO_DO, since=worker.free_at, answer=Answer.OK, **who)
            worker.free_at, worker.asked_at = self.now, None
            return None
        due = [job for job in ready if (job.ready_at or 0) <= max(worker.free_at, soonest)]
        if self.claims.priorities:
            highest = max(job.priority for job in due)
            due = [job for job in due if job.priority == highest]
        if self.claims.ordered:
            due = [job for job in due if not any(overtakes(job, other) for other in due)]
        return self.draw(st.sampled_from(due))

    # -- the life of a delivery -----------------------------------------------------------

    def deliver(self, worker: Worker, job: Job) -> None:
        asked = worker.free_at if worker.asked_at is None else worker.asked_at
        granted = self.now = max(worker.free_at + self.pick(0, 20), job.ready_at or 0)
        length = min(self.lease, job.timeout)
        job.token, job.counted = job.token + 1, job.counted + 1
        lease = Lease(
            job, job.token, granted + length, granted + job.timeout,
            asked + length, asked + job.timeout,
        )  # fmt: skip
        who = Who(node=worker.node, incarnation=worker.incarnation, job=job.index)
        if self.rarely(10):
            self.lose("lease", "lose_reply", **who)
            worker.asked_at, self.now = asked, granted + self.pick(1, CALL_TIMEOUT)
            self.write(
                Event.NOTHING_TO_DO, since=worker.free_at, answer=Answer.UNKNOWN,
                node=worker.node, incarnation=worker.incarnation,
            )  # fmt: skip
        else:
            worker.asked_at = None
            if self.rarely(6):
                slow = self.pick(0, 2 * length)
                self.strike("slow network", SlowNetwork(self.now / 1000, 0.0, 0.0), Phase.LEASED,
                            value=slow, **who)  # fmt: skip
                self.now += slow
            else:
                self.now += self.pick(0, 10)
            self.leased.setdefault(job.index, self.now)
            who["token"] = lease.token
            self.write(Event.LEASED, since=asked, value=length / 1000, key=job.token, **who)
            known = self.now
            self.live(worker, lease, who)
            self.held.append(
                Held(job.index, lease.token, worker.node, known, lease.sure, max(known, lease.told))
            )
        if not lease.settled:
            self.settle(lease, lease.end, "expired")
        worker.free_at = self.now + self.pick(0, 50)
        self.latest = max(self.latest, worker.free_at, lease.end)

    def live(self, worker: Worker, lease: Lease, who: Who) -> None:
        """The worker's side of a delivery, to its end or the worker's."""
        try:
            settled = self.work(lease, who)
            lease.sure = min(lease.sure, self.now)
            self.write(Event.FINISHED if settled else Event.LEASE_LOST, **who)
        except Died:
            lease.sure = min(lease.sure, self.last_row)
            self.now += self.pick(0, 20)
            self.write(
                Event.WORKER_EXITED, node=worker.node, incarnation=worker.incarnation, value=-9.0
            )
            worker.incarnation += 1
            self.now += self.pick(0, 50)
            self.write(Event.WORKER_STARTED, node=worker.node, incarnation=worker.incarnation)

    def work(self, lease: Lease, who: Who) -> bool:
        job = lease.job
        self.point("after_lease", Phase.LEASED, who)
        carried = payload(f"job-{job.index}", job.payload_bytes)
        key = payload_hash(carried) if carried else 0
        self.write(Event.STARTED, key=key, value=float(len(carried)), **who)
        left = job.timeout
        for half in ("first", "second"):
            work = self.pick(0, self.lease)
            self.now += min(work, left)
            if work >= left:
                raise Died  # its time is up, and with it the worker's
            left -= work
            if half == "second" and job.behaviour == "permanent":
                return self.end(lease, "permanent", who)
            if half == "second" and job.behaviour == "fail" and self.rarely(2):
                return self.end(lease, "nack", who)
            if job.releases < 2 and self.rarely(8):
                return self.end(lease, "release", who)
            if self.rarely(3) and not self.extend(lease, who):
                return False
            if half == "first":
                self.point("mid_job", Phase.RUNNING, who)
        self.point("before_effect", Phase.RUNNING, who)
        self.effects.setdefault(job.index, []).append(self.now)
        self.write(Event.EFFECT, key=key_hash(f"effect-{job.index}"), **who)
        self.point("after_effect", Phase.AFTER_EFFECT, who)
        settled = self.end(lease, "ack", who)
        self.point("after_ack", Phase.ACKED, who)
        return settled

    def point(self, name: Point, phase: Phase, who: Who) -> None:
        """A fault point: now and then the worker is paused here, or killed."""
        if self.rarely(12):
            pause = self.pick(1, 3 * self.lease)
            fault = PauseAt(who["job"], name, pause / 1000)
            self.strike("worker pause", fault, phase, value=pause, **who)
            self.now += pause
            self.write(Event.RESUMED, fault=len(self.faults) - 1, **who)
        if self.rarely(12):
            self.strike("worker kill", KillAt(who["job"], name), phase, **who)
            raise Died

    def extend(self, lease: Lease, who: Who) -> bool:
        def arrive(t: int) -> bool:
            if lease.settled or t >= lease.end:
                return False
            lease.end = max(lease.end, min(t + self.lease, lease.cap))
            return True

        sent, answer = self.call("extend", arrive, who)
        if answer is None:
            return True
        if answer == Answer.OK:
            lease.sure = max(lease.sure, min(sent + self.lease, lease.sure_cap))
            lease.told = self.now
        self.write(Event.EXTEND_ANSWERED, since=sent, answer=answer, value=self.lease / 1000, **who)
        return answer == Answer.OK

    def end(self, lease: Lease, how: Ending, who: Who) -> bool:
        """Ack, nack or release; True if the queue said yes."""

        def arrive(t: int) -> bool:
            if lease.settled:
                # A repetition; some queues have forgotten the first by now, and refuse.
                return how == "ack" or self.pick(0, 1) == 0
            if t >= lease.end:
                return not self.claims.fencing and how == "ack" and self.rarely(2)
            self.settle(lease, t, how)
            return True

        call: Settling = "nack" if how == "permanent" else how
        event = Event.ACK_SENT if how == "ack" else Event.HANDBACK_SENT
        self.write(event, value=float(how == "release"), **who)
        lease.sure = min(lease.sure, self.now)
        sent, answer = self.call(call, arrive, who)
        if answer is not None:
            event = {
                "ack": Event.ACK_ANSWERED,
                "nack": Event.NACK_ANSWERED,
                "release": Event.RELEASE_ANSWERED,
            }[call]
            self.write(event, since=sent, answer=answer, value=float(how == "permanent"), **who)
        return answer == Answer.OK

    def call(
        self, call: Call, arrive: Callable[[int], bool], who: Who
    ) -> tuple[int, Answer | None]:
        """When it was first sent, and the answer: None if none ever came."""
        sent = self.now
        for attempt in range(3):
            lost = self.draw(st.sampled_from(LOSSES))
            self.now += self.pick(0, 20)
            accepted = lost != "lose_request" and arrive(self.now)
            if lost is None:
                self.now += self.pick(0, 20)
                refused = Answer.UNKNOWN if attempt else Answer.FAILED
                return sent, Answer.OK if accepted else refused
            self.lose(call, lost, **who)
            if self.rarely(4):
                phase = Phase.AFTER_EFFECT if call == "ack" else Phase.RUNNING
                fault = KillWorker(who["node"], self.now / 1000)
                self.strike("worker kill", fault, phase, **who)
                raise Died
            self.now += CALL_TIMEOUT
        return sent, None

    # -- the end ------------------------------------------------------------------------

    def observe(self, job: Job, at: int) -> tuple[Event | None, Outcome]:
        """What the queue says of the job then, and what has become of it."""

        def by_now(t: int | None) -> bool:
            return t is not None and t <= at

        if not by_now(job.sent_at):
            return None, "never submitted"
        if by_now(job.refused_at):
            return None, "refused"
        if not by_now(job.known_at):
            return None, "unknown"
        if not by_now(job.ended_at):
            return Event.HELD, "stuck"
        if job.state == "done":
            return Event.SETTLED, "done"
        if job.state == "dead":
            return Event.DEAD, "dead-lettered"
        if any(t <= at for t in self.effects.get(job.index, ())):
            return None, "done"
        return None, "lost" if by_now(job.answered_at) else "unknown"
