"""Requests for effects that the world took for those of other work. Finds, and judges nothing."""

from __future__ import annotations

import numpy as np

from .facts import Facts
from .history import Event
from .once import once


@once
def taken_for(facts: Facts) -> dict[int, int]:
    """By the row of a request for an effect: that of other work, whose repetition the world
    took it for. They came under one idempotency key, so the effect did not happen.
    """
    history, rows = facts.history, facts.rows(Event.EFFECT)
    rows = rows[facts.has_sink("keyed")[history["job"][rows]]]
    _, first, same = np.unique(history["key"][rows], return_index=True, return_inverse=True)
    known, work = rows[first[same]], facts.work[history["job"]]
    mistaken = work[known] != work[rows]
    return dict(zip(rows[mistaken].tolist(), known[mistaken].tolist(), strict=True))


def taken_for_other_work(facts: Facts, job: int) -> int:
    """The row of the last such request of the job; -1: there is none."""
    mistaken = [row for row in facts.history.of_job(job).tolist() if row in taken_for(facts)]
    return mistaken[-1] if mistaken else -1
