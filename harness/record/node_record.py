"""What a node does with each want, and what it writes of it: the same text for all drivers.

A driver carries wants out (waits, sends, dies); this module says which ledger rows that
makes and how far a planned job has come. No clock of its own, no I/O of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ...protocol.commands import (
    Ack,
    Command,
    Delivery,
    Enqueue,
    Enqueued,
    Extend,
    Failed,
    Lease,
    Leased,
    ListDead,
    Nack,
    Refused,
    Release,
    Replay,
    Replayed,
    Reply,
    Settled,
)
from ...protocol.events import CALLS, CREATED, REPEATED, Answer, Event, Phase, Said
from ...protocol.ledger import key_hash, payload_hash
from ...protocol.producer import Stray
from ...protocol.worker import ApplyEffect, Finished, Progress, Work
from ..faults import Call, LastingFault
from ..plan.plan import NEVER_BACK, Plan, PlannedJob
from ..plan.senseless import ALL_NAMES, taken

CALL_OF: dict[type, Call] = {
    Enqueue: "enqueue",
    Lease: "lease",
    Ack: "ack",
    Nack: "nack",
    Extend: "extend",
    Release: "release",
    ListDead: "dead",
    Replay: "replay",
}
_ANSWERED: dict[type, Event] = {
    Ack: Event.ACK_ANSWERED,
    Nack: Event.NACK_ANSWERED,
    Extend: Event.EXTEND_ANSWERED,
    Release: Event.RELEASE_ANSWERED,
}
_NAMES: dict[type, float] = {
    kind: float(CALLS.index("list of dead letters" if call == "dead" else call))
    for kind, call in CALL_OF.items()
}
_SETTLING = (Ack, Nack, Extend, Release)  # a tuple, since a union is made anew each time
GONE, MALFORMED, REFUSED = (
    "the record no longer exists",
    "the payload is malformed",
    "the dependency refused the connection",
)


def expected_reason(planned: PlannedJob) -> str:
    """What a dead letter of that job must tell, if it lies there for its own fault."""
    reasons = {"permanent": GONE, "malformed": MALFORMED, "fail": REFUSED, "depends": REFUSED}
    return reasons.get(planned.behaviour, "")


class Write(Protocol):
    """Append one row to the ledger, for this node, now."""

    def __call__(
        self,
        event: int,
        *,
        since: float = -1.0,
        answer: int = 0,
        phase: int = 0,
        job: int = -1,
        token: int = 0,
        fault: int = -1,
        key: int = 0,
        value: float = 0.0,
    ) -> None: ...


class NodeRecord:
    """Turns one node's calls and work into ledger rows, and tracks its current delivery.

    ``now`` is the clock of the ledger; ``elapsed`` gives the seconds since the run began;
    ``say`` keeps the words of an error and gives the number by which rows name them.
    """

    def __init__(
        self,
        plan: Plan,
        write: Write,
        now: Callable[[], float],
        elapsed: Callable[[], float],
        say: Callable[[Said], int],
    ) -> None:
        self._plan = plan
        self.job_index = plan.job_index
        self._elapsed = elapsed
        self._outages = [
            (number, fault)
            for number, fault in enumerate(plan.faults)
            if isinstance(fault, LastingFault) and fault.takes_dependency_away
        ]
        self.write = write
        self._say = say
        self.now = now
        self._command: Command | None = None
        self._since = self._sent_at = 0.0
        self._attempts = 0
        self.delivery: Delivery | None = None
        self._planned: PlannedJob | None = None
        self._done_s = -1.0

    def sending(self, command: Command) -> None:
        """Before an attempt. Repetitions of one command keep the time of the first."""
        self._sent_at = self.now()
        if command is self._command:
            self._attempts += 1
            return
        self._command, self._attempts = command, 1
        self._since = self._sent_at
        if isinstance(command, Lease):
            return  # nothing to tell before its answer
        if isinstance(command, Enqueue):
            self.write(Event.ENQUEUE_SENT, job=self.job_index(command.job.id))
        elif isinstance(command, Ack):
            self.write(Event.ACK_SENT, job=self.job_index(command.job_id), token=command.token)
        elif isinstance(command, Nack | Release):
            self.write(
                Event.HANDBACK_SENT,
                job=self.job_index(command.job_id),
                token=command.token,
                value=float(isinstance(command, Release)),
            )
        elif isinstance(command, Replay):
            for identifier in command.job_ids:
                self.write(Event.REPLAY_SENT, job=self.job_index(identifier))

    def answered(self, reply: Reply | None) -> None:
        """After an attempt. No reply writes no row: the call stays open, hence unknown.

        So does an error, which is told beside it. Of a lease every attempt leaves a row, since
        one that nobody answered may have been given a job that nobody got; and of an extension,
        since a job cannot go on while its worker waits for one.
        """
        command = self._command
        if isinstance(reply, Failed):
            self._erred(Said(reply.error, reply.environment))
            reply = None
        if reply is None and isinstance(command, Extend):
            job = self.job_index(command.job_id)
            self.write(Event.EXTEND_ANSWERED, since=self._since, job=job, token=command.token)
        if isinstance(command, Lease):
            self._leased(reply)
            return
        if reply is None or command is None:
            return
        refused = Answer.UNKNOWN if self._attempts > 1 else Answer.FAILED
        words = self._say(Said(reply.error)) if isinstance(reply, Refused) else 0
        if isinstance(command, Enqueue):
            if isinstance(reply, Enqueued):
                words = CREATED if reply.created else REPEATED
            self.write(
                Event.ENQUEUE_ANSWERED,
                since=self._since,
                answer=Answer.OK if isinstance(reply, Enqueued) else refused,
                job=self.job_index(command.job.id),
                key=words,
                value=float(self._attempts),
            )
        elif isinstance(command, _SETTLING):
            accepted = isinstance(reply, Settled) and reply.accepted
            if not isinstance(reply, Settled):
                refused = Answer.ERROR
            value = 0.0
            if isinstance(command, Extend):
                value = command.lease_s
            elif isinstance(command, Nack):
                value = float(command.permanent)
            self.write(
                _ANSWERED[type(command)],
                since=self._since,
                answer=Answer.OK if accepted else refused,
                job=self.job_index(command.job_id),
                token=command.token,
                key=words,
                value=value,
            )
        elif isinstance(command, Replay) and isinstance(reply, Replayed):
            for identifier in command.job_ids:
                self.write(
                    Event.REPLAY_ANSWERED,
                    since=self._since,
                    answer=Answer.OK if identifier in reply.job_ids else refused,
                    job=self.job_index(identifier),
                )

    def _erred(self, said: Said) -> None:
        """The attempt was answered with an error."""
        command = self._command
        identifiers: tuple[str, ...] = (getattr(command, "job_id", ""),)
        if isinstance(command, Enqueue):
            identifiers = (command.job.id,)
        elif isinstance(command, Replay):
            identifiers = command.job_ids
        for identifier in identifiers:
            self.write(
                Event.ERRED,
                since=self._sent_at,
                job=self.job_index(identifier) if identifier else -1,
                token=getattr(command, "token", 0),
                key=self._say(said),
                value=_NAMES[type(command)],
            )

    def strayed(self, want: Stray, sent_at: float, reply: Reply | None) -> None:
        """After a command that makes no sense: whether the queue carried it out.

        No answer, and an error, leave that open.
        """
        if reply is not None and not isinstance(reply, Failed):
            answer = Answer.OK if taken(reply) else Answer.FAILED
            self.write(
                Event.SENSELESS_ANSWERED,
                since=sent_at,
                answer=answer,
                job=self.job_index(want.job_id) if want.job_id else -1,
                key=ALL_NAMES.index(want.what),
            )

    def _leased(self, reply: Reply | None) -> None:
        if not isinstance(reply, Leased) or reply.delivery is None:
            refused = Answer.UNKNOWN if reply is None else Answer.FAILED
            answer = Answer.OK if isinstance(reply, Leased) else refused
            assert isinstance(self._command, Lease)
            asked = self._plan.queue_mask(self._command.queues)
            self.write(Event.NOTHING_TO_DO, since=self._sent_at, answer=answer, key=asked)
            return
        delivery = self.delivery = reply.delivery
        self._done_s = -1.0
        self.write(
            Event.LEASED,
            since=self._since,
            job=self.job_index(delivery.job.id),
            token=delivery.token,
            key=delivery.number,
            value=delivery.lease_s,
        )

    def struck(self, fault: int, phase: Phase, job: int, length_s: float = 0.0) -> None:
        """A fault of the plan has struck this node, or its call."""
        token = self.delivery.token if self.delivery else 0
        self.write(
            Event.FAULT_STRUCK, phase=phase, job=job, token=token, fault=fault, value=length_s
        )

    def effect(self, want: ApplyEffect) -> None:
        delivery = want.delivery
        self.write(
            Event.EFFECT,
            job=self.job_index(delivery.job.id),
            token=delivery.token,
            key=key_hash(want.key),
        )

    def finished(self, want: Finished) -> None:
        event = Event.FINISHED if want.settled else Event.LEASE_LOST
        self.write(event, job=self.job_index(want.delivery.job.id), token=want.delivery.token)
        self.delivery = None
        self._done_s = -1.0

    def begin_work(self, want: Work) -> tuple[float, float]:
        """Seconds of work to do for this want, and seconds until the job's timeout."""
        delivery = want.delivery
        if self._done_s < 0:
            index = self.job_index(delivery.job.id)
            self._planned = self._plan.jobs[index] if 0 <= index < len(self._plan.jobs) else None
            self._done_s = 0.0
            self.delivery = delivery  # of several that its worker may hold, the one it works on
            payload = delivery.job.payload
            looked_at = bool(payload) or (
                self._planned is not None and self._planned.payload_bytes > 0
            )
            self.write(
                Event.STARTED,
                job=index,
                token=delivery.token,
                key=payload_hash(payload) if looked_at else 0,
                value=float(len(payload)),
            )
        planned, timeout_s = self._planned, delivery.job.timeout_s - self._done_s
        if planned is None:
            return 0.0, timeout_s
        if planned.behaviour in NEVER_BACK:
            return float("inf"), timeout_s
        left_s = want.goal * planned.service_s - self._done_s
        return max(0.0, min(left_s, want.at_most_s)), timeout_s

    def end_work(self, want: Work, worked_s: float, stopping: bool) -> Progress:
        """What to tell the worker after ``worked_s`` more seconds of work."""
        self._done_s += worked_s
        planned = self._planned
        if planned is None:
            return Progress(reached=True)
        if planned.behaviour in NEVER_BACK:
            return Progress(reached=False, stopping=stopping, left_s=float("inf"))
        reached = self._done_s >= want.goal * planned.service_s - 1e-9
        if reached and want.goal < 1.0 and planned.behaviour != "ok":
            error = self._error(planned, want.delivery)
            if error is not None:
                return Progress(reached, error, permanent=error in (GONE, MALFORMED))
        return Progress(reached, stopping=stopping, left_s=planned.service_s - self._done_s)

    def _error(self, planned: PlannedJob, delivery: Delivery) -> str | None:
        """How the job fails half way through this delivery, None if it does not."""
        if planned.behaviour == "permanent":
            return GONE
        if planned.behaviour == "fail":
            return REFUSED if delivery.number <= planned.failures else None
        at_s = self._elapsed()
        for number, outage in self._outages:
            if outage.active(at_s):
                job = self.job_index(delivery.job.id)
                self.write(
                    Event.FAULT_STRUCK,
                    phase=Phase.RUNNING,
                    job=job,
                    token=delivery.token,
                    fault=number,
                )
                return MALFORMED if planned.behaviour == "malformed" else REFUSED
        return None

    @property
    def behaviour(self) -> str:
        """How the job behaves that is being worked on."""
        return self._planned.behaviour if self._planned else "ok"
