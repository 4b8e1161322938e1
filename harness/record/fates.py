"""What became of the jobs of a library's own workers, in the words of whoever runs it.

An outcome says that a job is stuck; its fate says who holds it. Jobs of the same fate are one line.
What holds a job, or is recorded of it, is told by the library (``where``): the place first, and
behind a comma what is of this job only.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping

from msgspec import Struct

from ..units import seconds
from .facts import Facts, Outcome
from .history import Answer, Event
from .holders import held_by_queue, still_has
from .story import node_name, taken_and_not_begun

Where = Mapping[int, str]
TIMES = re.compile(r",? (at )?\d{4}-\d\d-\d\d[T ][\d:.]+(\+[\d:]+)?")  # of one job only


class Fate(Struct, frozen=True):
    """``jobs``, by number, had this outcome; ``detail`` says more of it."""

    outcome: Outcome
    detail: str
    jobs: tuple[int, ...]


def fates(facts: Facts, where: Where) -> tuple[Fate, ...]:
    """Of each outcome of which there is more to say; none, if the workers are jobquake's own."""
    if not len(facts.history.where(Event.HOOKED)):
        return ()
    found = defaultdict[tuple[Outcome, str], list[int]](list)
    for job in range(facts.jobs):
        outcome = facts.outcome(job)
        if tell := TELLING.get(outcome):
            found[outcome, tell(facts, job, where)].append(job)
    told = [
        Fate(outcome, detail + (_due(facts, jobs) if outcome == "stuck" else ""), tuple(jobs))
        for (outcome, detail), jobs in found.items()
    ]
    if recovered := [job for job in range(facts.jobs) if facts.outcome(job) == "recovered"]:
        told.append(Fate("recovered", _waits(facts, recovered), tuple(recovered)))
    return tuple(sorted(told, key=lambda fate: (-len(fate.jobs), fate.jobs)))


def _waits(facts: Facts, jobs: list[int]) -> str:
    """From the death to the next start: of the one that waited least to the one that did most."""
    waits = sorted(float(facts.recovered_s[job]) for job in jobs)
    shortest, longest = seconds(waits[0]), seconds(waits[-1])
    if shortest == longest:
        return f"after {longest}"
    return f"after {shortest.removesuffix(' s')} to {longest}"


def _stuck(facts: Facts, job: int, where: Where) -> str:
    who = still_has(facts, job)
    if not held_by_queue(facts)[job]:
        return who
    place = _place(where, job) or "its queue"
    place = f"{place}, prefetched" if _prefetched(facts, job) else place
    return f"{place}, and {who}" if who else place


def _place(where: Where, job: int) -> str:
    return where.get(job, "").partition(",")[0]


def _prefetched(facts: Facts, job: int) -> bool:
    """Whether the worker that was last handed it had not begun it."""
    if not facts.held_leased[job]:
        return False
    history, rows = facts.history, facts.history.of_job(job)
    last = {
        event: rows[history["event"][rows] == event] for event in (Event.RECEIVED, Event.STARTED)
    }
    received, started = last[Event.RECEIVED], last[Event.STARTED]
    return bool(len(received)) and (not len(started) or started[-1] < received[-1])


def _due(facts: Facts, jobs: list[int]) -> str:
    """When the last of them is given back by what holds it, if that is known of each."""
    rows = facts.rows(Event.DUE)
    told = zip(facts.history["job"][rows].tolist(), facts.history["value"][rows], strict=True)
    dues = dict(told)
    if not all(job in dues for job in jobs):
        return ""
    return f"; given back by itself within {seconds(max(dues[job] for job in jobs))}"


def _lost(facts: Facts, job: int, where: Where) -> str:
    record = where.get(job, "")
    held = f"nothing holds it; {_last_holder(facts, job)}"
    return f"{held}; {record}" if record else held


def _last_holder(facts: Facts, job: int) -> str:
    history, rows = facts.history, facts.history.of_job(job)
    for row in rows[history["event"][rows] == Event.FAULT_STRUCK].tolist():
        if facts.plan.faults[history["fault"][row]].renames_tasks:
            return f"{node_name(facts, int(history['node'][row]))}, of another version, had it last"
    taken = taken_and_not_begun(facts, job)
    if taken >= 0:
        return f"{node_name(facts, int(history['node'][taken]))} had taken it and not noted it"
    holds = (Event.PASSED, Event.RECEIVED, Event.STARTED)
    workers = history["node"][rows] < len(facts.plan.workers)
    held = [row for row in rows[workers].tolist() if history["event"][row] in holds]
    if not held:
        return "it was last in its queue"
    who = node_name(facts, int(history["node"][held[-1]]))
    acked = facts.rows(Event.ACK_ANSWERED, Answer.OK)
    if job in history["job"][acked]:
        ran = "" if facts.handed_out[job] else " without running it"
        return f"{who} had it last and had acknowledged it{ran}"
    return f"{who} had it last"


def _failed(facts: Facts, job: int, where: Where) -> str:
    record = where.get(job) or "its function raised, of which no record is kept"
    returned = job in facts.history["job"][facts.rows(Event.RETURNED)]
    return ("its function had returned; " if returned else "") + TIMES.sub("", record)


def _again(facts: Facts, job: int, where: Where) -> str:
    if facts.completion == Event.RETURNED:
        return "effects were not counted"
    return "absorbed: its effect happened once"


def _duplicated(facts: Facts, job: int, where: Where) -> str:
    return f"its effect was applied {facts.effects[job]} times"


def _recoverable(facts: Facts, job: int, where: Where) -> str:
    return f"{_place(where, job) or 'its queue'} held it until a fresh worker was started"


TELLING: dict[Outcome, Callable[[Facts, int, Where], str]] = {
    "stuck": _stuck,
    "lost": _lost,
    "failed": _failed,
    "dead-lettered": _failed,
    "run again": _again,
    "duplicated": _duplicated,
    "recoverable": _recoverable,
}
