"""How long a job waited from the death of whoever had it to its next start.

What counts as having a job, of workers that are a library's own: it passed on the worker's wire,
the worker received it, or one of its processes began it, and nothing has ended that since.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from math import inf

import numpy as np
import numpy.typing as npt

from ..faults.fault import Fault
from .history import Event, History

HOLDS = (Event.PASSED, Event.RECEIVED, Event.STARTED)
OVER = (Event.FINISHED, Event.LEASE_LOST)
Flags = npt.NDArray[np.bool_]
TOLD = (*HOLDS, *OVER, Event.PROCESS_DIED, Event.FAULT_STRUCK)


def recovered_s(history: History, faults: Sequence[Fault], jobs: int) -> npt.NDArray[np.float64]:
    """The same of each job of a plan, nan: it was not; all nan, if the workers are our own."""
    waits = np.full(jobs, np.nan)
    if len(history.where(Event.HOOKED)):
        deadly = frozenset(n for n, fault in enumerate(faults) if fault.ends_worker)
        for job, wait_s in recoveries(history, deadly).items():
            if job < jobs:
                waits[job] = wait_s
    return waits


def around_the_poke(
    history: History, returned: npt.NDArray[np.intp], jobs: int
) -> tuple[Flags, Flags]:
    """Jobs with one of these rows before a fresh worker was started, and after it."""
    before, after = np.zeros(jobs, dtype=bool), np.zeros(jobs, dtype=bool)
    for poke in history.where(Event.POKED)[:1]:
        before[history["job"][returned[returned < poke]]] = True
        after[history["job"][returned[returned > poke]]] = True
    return before, after


def recoveries(history: History, deadly: frozenset[int]) -> dict[int, float]:
    """Of each job that was begun again: the longest wait for that, in seconds.

    ``deadly``: the faults, by number, of which whoever has the job dies.
    """
    exits = defaultdict[int, list[float]](list)  # by node
    for row in history.where(Event.WORKER_EXITED).tolist():
        exits[int(history["node"][row])].append(float(history["t"][row]))
    of_job = defaultdict[int, list[int]](list)
    told = np.isin(history["event"], TOLD) & (history["job"] >= 0)
    for row in np.flatnonzero(told).tolist():
        if history["event"][row] != Event.FAULT_STRUCK or int(history["fault"][row]) in deadly:
            of_job[int(history["job"][row])].append(row)
    found = {job: max(_waits(history, rows, exits), default=-1.0) for job, rows in of_job.items()}
    return {job: wait_s for job, wait_s in found.items() if wait_s >= 0.0}


def _waits(history: History, rows: list[int], exits: dict[int, list[float]]) -> Iterator[float]:
    """From each death of a holder to the start that followed it."""
    dies_at = inf  # whoever had it last; it may be to come
    for row in rows:
        event, node, t = history["event"][row], int(history["node"][row]), float(history["t"][row])
        if event in (Event.PROCESS_DIED, Event.FAULT_STRUCK):
            dies_at = min(dies_at, t)
            continue
        if event in OVER:
            dies_at = inf
            continue
        if event == Event.STARTED and dies_at < t:
            yield t - dies_at
        holds = event != Event.PASSED or history["value"][row] > 0
        if holds and (event == Event.STARTED or dies_at > t):
            dies_at = next((at for at in exits[node] if at >= t), inf)
