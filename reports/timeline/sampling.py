"""Which rows a timeline keeps of a history too long to be shown whole.

Every fault, every event that a finding points at and every event that belongs to no job is
kept; then whole jobs, so that each life that is shown is shown whole. It draws from a fixed
seed: the same history is always sampled alike.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ...harness.record.facts import OUTCOMES, Facts
from ...harness.record.history import Event
from .telling import ShownFinding

MOST_EVENTS = 1_000_000


def kept_rows(
    facts: Facts, findings: Sequence[ShownFinding], most: int = MOST_EVENTS
) -> npt.NDArray[np.intp]:
    """Indices of the rows to show, ascending: all of them if there are at most ``most``.

    More than ``most`` only if there are more faults and findings than that.
    """
    history = facts.history
    if len(history) <= most:
        return np.arange(len(history))
    keep = ~facts.of_plan
    keep[history.where(Event.FAULT_STRUCK)] = True
    keep[[row for finding in findings for row in finding.rows]] = True
    job = np.where(facts.of_plan, history["job"], 0)
    adds = np.bincount(job[~keep], minlength=facts.jobs)
    jobs = _dearest_first(facts, findings)
    whole = np.zeros(facts.jobs, dtype=bool)
    whole[jobs[np.cumsum(adds[jobs]) <= most - np.count_nonzero(keep)]] = True
    kept: npt.NDArray[np.intp] = np.flatnonzero(keep | (whole[job] & facts.of_plan))
    return kept


def _dearest_first(facts: Facts, findings: Sequence[ShownFinding]) -> npt.NDArray[np.intp]:
    """All jobs: the wronged, those that a fault met, those not simply done, then by lot."""
    dearness = (facts.fates != OUTCOMES.index("done")).astype(np.int8)
    dearness[facts.history["job"][facts.rows(Event.FAULT_STRUCK)]] = 2
    dearness[[finding.job for finding in findings if 0 <= finding.job < facts.jobs]] = 3
    lot = np.random.default_rng(0).random(facts.jobs)
    return np.lexsort((lot, -dearness))
