"""A small model of what a queue may do: for each job its state, as far as it can be known.

It knows nothing of how a queue works, and leaves open what a correct one may choose: the jitter
within the policy's bounds, the order among equals, when it notices that a lease has ended (at
the latest when it is asked for a job). What it does know is an obligation, which it puts to
``expect``: whether it is kept, what was expected, what was found.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ...backends.adapter import Claims
from ...protocol.commands import HELD, Ack, Delivery, Extend, Job, Nack, Release, State
from ..spec.backoff import backoff
from .bench import STEPS

ROUNDING_S = 0.002  # stores may round times to milliseconds
Word = Ack | Nack | Extend | Release
Expect = Callable[[bool, str, object], None]


@dataclass
class Known:
    """What is known of one job. It becomes ready between ``earliest`` and ``latest``."""

    job: Job
    earliest: float
    latest: float
    state: State = "ready"
    token: int = 0
    settled_token: int = 0
    number: int = 0
    counted: int = 0
    started_at: float = 0.0
    until: float = 0.0
    error: str = ""

    def ended(self, now: float) -> bool:
        """Whether it is leased on paper, and the lease has ended."""
        return self.state == "leased" and now > self.until

    @property
    def spent(self) -> bool:
        return self.counted >= self.job.max_deliveries


@dataclass
class Model:
    """All jobs that the queue has acknowledged, and the keys that were completed."""

    claims: Claims
    expect: Expect
    jobs: dict[str, Known] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)
    deliveries: list[Delivery] = field(default_factory=list)

    @property
    def _tolerance_s(self) -> float:
        """How much sooner or later than due: one step of the queue's timer."""
        return 1 / STEPS if self.claims.timer_s else ROUNDING_S

    # -- enqueue ------------------------------------------------------------------------

    def room_for(self, job: Job, now: float) -> bool | None:
        """Whether the queue has room for the job: it must, it must not, or (None) it may."""
        if job.max_waiting is None or job.id in self.jobs:
            return True
        among = [known for known in self.jobs.values() if known.job.queue == job.queue]
        surely = sum(known.state == "ready" and not self._skipped(known) for known in among)
        if surely >= job.max_waiting:
            return False
        perhaps = sum(known.state == "ready" or known.ended(now) for known in among)
        return True if perhaps < job.max_waiting else None

    def enqueued(self, job: Job, created: bool, now: float) -> None:
        known = job.id in self.jobs
        self.expect(
            created != known,
            f"job {job.id!r}, which is {'held already' if known else 'new'}, to be answered "
            f"with created={not known}",
            f"created={created}",
        )
        if not known:
            due = now + job.delay_s
            self.jobs[job.id] = Known(job, due, due)

    # -- lease --------------------------------------------------------------------------

    def asked(self, now: float) -> None:
        """A worker asks for a job: by now the queue must have noticed which leases ended."""
        for known in self.jobs.values():
            if known.ended(now):
                self._failed(known, known.until, now, "", permanent=False)

    def handed_out(self, delivery: Delivery | None, queues: tuple[str, ...], now: float) -> None:
        """After :meth:`asked`: the answer to a lease."""
        due = [known for known in self.jobs.values() if self._surely_due(known, queues, now)]
        if delivery is None:
            names = [known.job.id for known in due]
            self.expect(
                not names or not self.claims.prompt,
                f"one of the jobs {names} to be handed out, they are due",
                "no job",
            )
            return
        job = delivery.job
        known = self._deliverable(job, queues, now)
        if self.claims.priorities and self.claims.prompt:
            first = max((other.job.priority for other in due), default=job.priority)
            self.expect(
                job.priority >= first,
                f"a job of priority {first} to be handed out first",
                f"job {job.id!r} of priority {job.priority}",
            )
        if self.claims.fencing:
            self.expect(
                delivery.token > known.token,
                f"a token above {known.token} for the next delivery of job {job.id!r}",
                delivery.token,
            )
        self.expect(
            delivery.number == known.number + 1,
            f"delivery number {known.number + 1} of job {job.id!r}",
            delivery.number,
        )
        self.expect(
            delivery.lease_s > 0
            and (delivery.lease_s <= job.timeout_s + self._tolerance_s or not self.claims.timeouts),
            f"a lease of at most the timeout of job {job.id!r}, {job.timeout_s:g} s",
            f"{delivery.lease_s:g} s",
        )
        known.state, known.token, known.number = "leased", delivery.token, delivery.number
        known.started_at, known.until = now, now + delivery.lease_s
        known.counted += 1
        self.deliveries.append(delivery)

    def _deliverable(self, job: Job, queues: tuple[str, ...], now: float) -> Known:
        known = self.jobs.get(job.id)
        self.expect(
            known is not None, "a job that was enqueued to be handed out", f"job {job.id!r}"
        )
        assert known is not None
        for name in ("queue", "payload", "key", "timeout_s"):  # what a worker acts on
            told, found = getattr(known.job, name), getattr(job, name)
            self.expect(
                told == found,
                f"job {job.id!r} to be handed out with its {name} {told!r}",
                repr(found),
            )
        self.expect(job.queue in queues, f"a job of the queues {queues}", f"one of {job.queue!r}")
        self.expect(
            known.state != "leased",
            f"job {job.id!r} to stay with its holder until {known.until:g} s",
            f"it handed out again at {now:g} s",
        )
        self.expect(
            known.state == "ready",
            f"job {job.id!r}, which is {known.state}, not to be handed out again",
            "it handed out",
        )
        self.expect(
            now >= known.earliest - self._tolerance_s,
            f"job {job.id!r} to wait until {known.earliest:g} s",
            f"it handed out at {now:g} s",
        )
        self.expect(
            not self._skipped(known),
            f"job {job.id!r}, whose key {job.key!r} is completed, not to be handed out",
            "it handed out",
        )
        return known

    # -- the holder's word ----------------------------------------------------------------

    def must_accept(self, word: Word, now: float) -> bool | None:
        """Whether this word of a holder must be accepted, must be refused, or (None) either."""
        known = self.jobs[word.job_id]
        if word.token == known.settled_token:
            if isinstance(word, Extend):
                return False
            return True if self.claims.idempotent_settle else None
        return word.token == known.token and known.state == "leased" and now < known.until

    def said(self, word: Word, now: float) -> None:
        """It was accepted, as it had to be, from the current holder."""
        known = self.jobs[word.job_id]
        if word.token == known.settled_token:
            return  # a repetition changes nothing
        if isinstance(word, Extend):
            until = min(now + word.lease_s, known.started_at + known.job.timeout_s)
            known.until = max(known.until, until)
            return
        known.settled_token = word.token
        if isinstance(word, Ack):
            known.state = "done"
            if known.job.key is not None:
                self.keys.add(known.job.key)
        elif isinstance(word, Nack):
            self._failed(known, now, now, word.error, word.permanent)
        else:
            known.state, known.earliest, known.latest = "ready", now, now
            known.counted -= 1

    def _failed(
        self, known: Known, since: float, noticed: float, error: str, permanent: bool
    ) -> None:
        known.error = error
        if permanent or known.spent:
            known.state = "dead"
            return
        low, high = backoff(known.job.retry, known.counted)
        if since < noticed and not self.claims.backoff_after_expiry:
            low = 0.0
        known.state, known.earliest, known.latest = "ready", since + low, noticed + high

    # -- dead letters -------------------------------------------------------------------

    def replayed(self, wanted: tuple[str, ...], found: tuple[str, ...], now: float) -> None:
        for job_id in wanted:
            known = self.jobs.get(job_id)
            noticed = known is not None and known.ended(now) and known.spent
            if known is None or not noticed:
                dead = known is not None and known.state == "dead"
                self.expect(
                    (job_id in found) == dead,
                    f"job {job_id!r}, which is {'dead' if dead else 'no dead letter'}, "
                    f"{'' if dead else 'not '}to be replayed",
                    f"{found} replayed",
                )
            if known is not None and job_id in found:
                known.state, known.earliest, known.latest = "ready", now, now
                known.counted, known.error = 0, ""

    # -- what can be seen -----------------------------------------------------------------

    def states(self, job_id: str, now: float) -> set[str | None]:
        """What the queue may say of the job."""
        known = self.jobs.get(job_id)
        if known is None:
            return {None}
        if known.ended(now):
            return {"leased", "dead" if known.spent else "ready"}
        return {"ready", "done"} if self._skipped(known) else {known.state}

    def pending(self, now: float) -> tuple[int, int]:
        """How many jobs are ready or leased: at least, and at most.

        A queue may leave out of its counts what is not due yet: it is asked about each job.
        """
        least = most = 0
        for job_id, known in self.jobs.items():
            states = self.states(job_id, now)
            due = now > known.latest if known.state == "ready" else not known.ended(now)
            least += due and states <= set(HELD)
            most += bool(states & set(HELD))
        return least, most

    def _skipped(self, known: Known) -> bool:
        return known.state == "ready" and known.job.key in self.keys

    def _surely_due(self, known: Known, queues: tuple[str, ...], now: float) -> bool:
        waits = known.state == "ready" and known.job.queue in queues and not self._skipped(known)
        return waits and now > known.latest + self._tolerance_s
