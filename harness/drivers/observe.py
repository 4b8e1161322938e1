"""What the harness asks of the backend itself: what became of each job, and which are dead letters.

Only asked at the end of a run, over a connection that no fault touches. The answers
tell ``stuck`` and ``dead-lettered`` apart from ``lost``; they never speak for what ran.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from ...backends.claims import Claims
from ...protocol.commands import (
    Command,
    DeadLetter,
    DeadLetters,
    Failed,
    Inspect,
    Inspected,
    ListDead,
    Reply,
)
from ...protocol.events import Answer, Event, Said
from ...protocol.ledger import Ledger
from ..plan.plan import Plan
from ..record.node_record import expected_reason

EVERY_LETTER = 1_000_000

Call = Callable[[Command], Reply | None]
Say = Callable[[Said], int]


class Observation(NamedTuple):
    """What the backend says of one job; ``job`` -1: that its list of dead letters was seen.

    ``answer`` is about a dead letter's reason: OK if it is what the job itself reported,
    UNKNOWN if it is another one, FAILED if there is none. Of a listed one ``value`` counts the
    attempts that it tells of, and ``key`` those of them with the error that the job reports.
    Of a job of which nothing was said ``key`` names the words of the error that came instead.
    ``where``: what holds the job, or what is recorded of it, in the system's own words.
    ``node``: the living worker that still has the job in hand; -1: it is the backend's word.
    """

    event: Event
    job: int
    value: float = 0.0
    answer: Answer = Answer.NONE
    key: int = 0
    where: str = ""
    node: int = -1


def observations(plan: Plan, claims: Claims, call: Call, say: Say) -> Iterator[Observation]:
    """One for each planned job that the backend knows, or does not answer about, and one for
    each dead letter in its list. ``say`` keeps the words of errors.
    """
    listed = _listed(plan, call) if claims.dead_letters else None
    known = {index: _inspected(plan, call, index) for index in range(len(plan.jobs))}
    if listed is not None and listed.keys() != _dead(known):  # some may have died meanwhile
        listed = _listed(plan, call)
        for index in (listed or {}).keys() - _dead(known):
            known[index] = _inspected(plan, call, index)
    for index, reply in known.items():
        if isinstance(reply, Inspected):
            if reply.state is not None or reply.where:
                yield from _of_job(plan, index, reply)
        elif reply is None or isinstance(reply, Failed):
            words = say(Said(reply.error, reply.environment)) if reply else 0
            yield Observation(Event.UNTOLD, index, key=words)
    if listed is not None:
        yield Observation(Event.DEAD_LISTED, -1, float(len(listed)), Answer.OK)
        for index, letter in sorted(listed.items()):
            yield _of_letter(plan, index, letter)


def write(seen: Observation, ledger: Ledger) -> None:
    """Append it as a row."""
    ledger.write(
        seen.event,
        job=seen.job,
        answer=seen.answer,
        value=seen.value,
        key=seen.key,
        node=seen.node,
    )


def _of_job(plan: Plan, index: int, reply: Inspected) -> Iterator[Observation]:
    where = reply.where
    if reply.state is None:
        yield Observation(Event.RECORDED, index, where=where)
    elif reply.state == "dead":
        answer = _told(plan, index, reply.reason)
        yield Observation(Event.DEAD, index, float(reply.deliveries), answer, where=where)
    elif reply.state == "done":
        yield Observation(Event.SETTLED, index, where=where)
    else:
        yield Observation(Event.HELD, index, float(reply.state == "leased"), where=where)
        if reply.due_s is not None:
            yield Observation(Event.DUE, index, reply.due_s)


def _inspected(plan: Plan, call: Call, index: int) -> Reply | None:
    return call(Inspect(plan.job_id(index)))


def _dead(known: dict[int, Reply | None]) -> set[int]:
    return {
        index
        for index, reply in known.items()
        if isinstance(reply, Inspected) and reply.state == "dead"
    }


def _listed(plan: Plan, call: Call) -> dict[int, DeadLetter] | None:
    """The dead letters of the plan's jobs, by their numbers; None if there was no answer."""
    reply = call(ListDead(limit=EVERY_LETTER))
    if not isinstance(reply, DeadLetters):
        return None
    letters = {plan.job_index(letter.job.id): letter for letter in reply.letters}
    return {index: letter for index, letter in letters.items() if 0 <= index < len(plan.jobs)}


def _told(plan: Plan, index: int, reason: str) -> Answer:
    if not reason:
        return Answer.FAILED
    return Answer.OK if expected_reason(plan.jobs[index]) in reason else Answer.UNKNOWN


def _of_letter(plan: Plan, index: int, letter: DeadLetter) -> Observation:
    """A listed letter. Of its attempts those count that tell an error, each a later delivery."""
    told, own, number = 0, 0, 0
    error = expected_reason(plan.jobs[index])
    for attempt in letter.attempts:
        if attempt.error and attempt.number > number:
            told, number = told + 1, attempt.number
            own += bool(error) and error in attempt.error
    answer = _told(plan, index, letter.reason)
    return Observation(Event.DEAD_LISTED, index, float(told), answer, own)
