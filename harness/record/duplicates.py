"""Which technique tells submissions of the same work apart, by the time that lies between them.

    technique x gap -> how many pieces of work, how many had their effect more than once

Every number is counted in a run's history; the plan only says which submissions are the same
work and what the queue and the world are told of it. Nothing here judges.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np
from msgspec import Struct

from ..plan.plan import PlannedJob, Sink
from .facts import Facts
from .history import Answer, Event

GAPS = ((1.0, "at once"), (60.0, "seconds later"), (86_400.0, "hours later"))
LONGEST_GAP = "a day later"


class Duplicates(Struct, frozen=True):
    """What became of work that was submitted twice, so far apart, under that technique.

    ``works`` pieces of work were accepted twice and had an effect. The world was asked for the
    effect of ``asked_again`` of them more than once, and applied that of ``repeated`` more
    than once.
    """

    technique: str
    gap: str
    works: int
    asked_again: int
    repeated: int


def duplicates(facts: Facts) -> tuple[Duplicates, ...]:
    """One for each technique and gap that the plan holds, in the order of their first jobs."""
    works: dict[tuple[str, str], list[int]] = defaultdict(list)
    for job, technique, gap_s in sorted(_submitted_twice(facts)):
        if facts.effects[job]:
            works[technique, _gap(gap_s)].append(job)
    return tuple(
        Duplicates(
            *cell,
            works=len(jobs),
            asked_again=int(np.count_nonzero(facts.effect_requests[jobs] > 1)),
            repeated=int(np.count_nonzero(facts.effects[jobs] > 1)),
        )
        for cell, jobs in works.items()
    )


def _submitted_twice(facts: Facts) -> Iterator[tuple[int, str, float]]:
    """The first job of each work that was accepted twice, its technique, the gap in seconds."""
    jobs, sink = facts.plan.jobs, facts.plan.sink
    if all(job.again_after_s is None and job.same_work_as < 0 for job in jobs):
        return
    answered = facts.history["job"][facts.rows(Event.ENQUEUE_ANSWERED, Answer.OK)]
    acceptances = np.bincount(answered, minlength=facts.jobs)
    for index, job in enumerate(jobs):
        if job.again_after_s is not None and acceptances[index] > 1:
            yield index, technique(job, sink), job.again_after_s
        first = job.same_work_as
        if first >= 0 and acceptances[index] and acceptances[first]:
            yield first, technique(job, sink), job.at_s - jobs[first].at_s


def technique(job: PlannedJob, sink: Sink) -> str:
    """What keeps the work of this second submission from being done twice, in plain words.

    Where several things would, the one that lasts the longest.
    """
    match job.sink or sink:
        case "set":
            return "set instead of add"
        case "upsert":
            return "upsert"
        case "keyed" if not job.own_key:
            return "key the world knows"
    if job.again_after_s is not None:
        return "same job id"
    return "nothing" if job.own_key else "key the queue knows"


def _gap(gap_s: float) -> str:
    return next((name for below_s, name in GAPS if gap_s < below_s), LONGEST_GAP)
