"""The words of the ledger: what can happen, what is known of a call, where a job was.

Standard library only, since every process of a run speaks them.
"""

from __future__ import annotations

from enum import IntEnum, unique
from typing import NamedTuple


@unique
class Event(IntEnum):
    """What a row tells. Fields that an event does not use are -1 or 0."""

    WORKER_STARTED = 1
    WORKER_EXITED = 2  # value: exit status; negative is minus the signal
    ENQUEUE_SENT = 3
    ENQUEUE_ANSWERED = 4  # value: how many attempts it took; 0 if nobody counted them; key: of an
    # accepted one CREATED or REPEATED, as its producer was told (0: an older ledger)
    LEASED = 5  # value: lease length in seconds, from some moment in [since, t]; key: the
    # number of the delivery, as the worker was told (0: an older ledger, which did not keep it)
    STARTED = 6  # key: its payload, hashed, if that is looked at; value: how many bytes that has
    FINISHED = 7
    EFFECT = 8  # key: the effect's idempotency key, hashed
    ACK_SENT = 9
    ACK_ANSWERED = 10
    NACK_ANSWERED = 11  # value: 1 if permanent
    EXTEND_ANSWERED = 12  # value: lease length in seconds; answer NONE: an attempt got none
    RELEASE_ANSWERED = 13
    LEASE_LOST = 14
    FAULT_STRUCK = 15  # fault, phase, job (-1: none); value: seconds, where it has a length; key:
    # the process that it struck, where a worker has several
    RESUMED = 16
    HEALED = 17
    QUIET = 18
    DEADLINE = 19
    HELD = 20  # observed at the end in the backend; value: 1 leased, 0 ready. With a node: in the
    # hands of that living worker, as its own rows say; value: 1 it runs it, 0 it has received it
    DEAD = 21  # seen in the dead letters at the end; answer: is its reason its own
    HANDBACK_SENT = 23  # a nack or a release, first sent; value: 1 if a release
    REPLAY_SENT = 24  # an operator asks for this dead letter to be run again
    REPLAY_ANSWERED = 25
    NOTHING_TO_DO = 26  # one attempt of a lease that brought no job, sent at ``since``; answer
    # OK: the queue said that it has none, FAILED: it refused, UNKNOWN: nobody answered; key: the
    # queues that were asked, a bit for each, 0: all that the worker serves
    DEAD_LISTED = 27  # in the list of dead letters at the end; answer: as of DEAD; value: how
    # many attempts it tells of; key: how many of them with the job's own error. job -1: it was seen
    SENSELESS_ANSWERED = 39  # to a command that makes no sense; key: its number among these; answer
    # OK: the queue carried it out, FAILED: it refused
    SETTLED = 22  # observed at the end: the backend says that the job is done
    CONTRADICTED = 30  # at the end: the backend counts no job and says that it holds this one
    ERRED = 28  # one attempt of a call, sent at ``since``, was answered with an error, which leaves
    # the call open; value: which of CALLS; key: in which words. Node -1: the server itself ended
    UNTOLD = 29  # at the end: the backend did not say what became of this job; key: in which words
    # What a framework's own workers do; value: the id of the process, where it says nothing else.
    HOOKED = 31  # the probe has found the library and watches it
    RECEIVED = 32  # a worker has been handed the job and has not begun it (prefetched)
    IN_PROCESS = 33  # the process that runs the job from now on
    RETURNED = 34  # the job's function has returned
    RAISED = 35  # the job's function has raised
    PROCESS_DIED = 36  # that process is gone and had the job in hand; its worker may live on
    PASSED = 40  # a message about the job passed on the node's connection; key: in which words;
    # value: 1 if the broker has handed it out
    RECORDED = 38  # at the end: nothing holds the job, and something is recorded of it
    POKED = 41  # at the end: a fresh worker was started, to see what comes of what is still held
    COUNTED = 42  # at the end: the job's effect happened ``value`` times, says who knows; job -1:
    # so many effects belong to no job
    DUE = 37  # at the end: what holds the job gives it back by itself in ``value`` seconds


CREATED, REPEATED = 1, 2  # keys of ENQUEUE_ANSWERED


class Answer(IntEnum):
    """What is known of a call: an answer that never came is neither success nor failure.

    A refusal after an attempt that went unanswered is unknown, too: the first attempt may
    have done what the second one is refused for.
    """

    NONE = 0
    OK = 1
    FAILED = 2
    UNKNOWN = 3
    ERROR = 4  # the queue refused to look at the call: that says nothing of who may make it


class Phase(IntEnum):
    """Where in its life a job was when a fault struck it."""

    IDLE = 0  # no job was struck
    BEFORE_LEASE = 1
    LEASED = 2
    RUNNING = 3
    AFTER_EFFECT = 4
    ACKED = 5
    ON_THE_WIRE = 6  # a round trip about it was under way: the library alone knows how far it was


PHASES = {
    Phase.BEFORE_LEASE: "before lease",
    Phase.LEASED: "leased",
    Phase.RUNNING: "running",
    Phase.AFTER_EFFECT: "after effect, before ack",
    Phase.ACKED: "after ack",
    Phase.ON_THE_WIRE: "on the wire",
}
PHASE_AT = {  # by the name of a fault point
    "after_lease": Phase.LEASED,
    "mid_job": Phase.RUNNING,
    "before_effect": Phase.RUNNING,
    "after_effect": Phase.AFTER_EFFECT,
    "after_ack": Phase.ACKED,
}


CALLS = (
    "enqueue", "lease", "ack", "nack", "extend", "release", "list of dead letters", "replay",
)  # fmt: skip


class Said(NamedTuple):
    """With which error a queue's server answered, in its own words.

    ``environment``: it is not the queue's mistake; its server lacks memory, disk, a connection.
    """

    error: str
    environment: bool = False


class Row(NamedTuple):
    """One row of the ledger, and of the history: what happened, when, to whom.

    Times are seconds: raw monotonic time in a ledger, since the start of the run in a history.
    ``since`` is when the request behind an answer was first sent, -1 if there was none. ``node``
    is -1 for the harness itself; -1 stands, too, for no job and no fault.
    """

    t: float
    since: float
    event: int
    answer: int = 0
    phase: int = 0
    node: int = -1
    incarnation: int = 0
    job: int = -1
    token: int = 0
    fault: int = -1
    key: int = 0
    value: float = 0.0
