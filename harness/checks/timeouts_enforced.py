"""Timeouts enforced: a job that never comes back is taken from its worker, and the worker ends.

Each delivery that began to run must be over by the job's timeout and some grace: finished,
handed back, or its worker gone. Otherwise a stuck job holds a worker for ever, and a few of
them hold the fleet.
"""

from __future__ import annotations

import numpy as np

from ..facts import Facts, seconds
from ..history import Event
from .finding import Finding, Judged, judged

GRACE_S = 2.0
OVER = (Event.FINISHED, Event.LEASE_LOST, Event.WORKER_EXITED)


def judge(facts: Facts) -> Judged:
    history = facts.history
    began = facts.rows(Event.STARTED)
    if not len(began):
        return Judged("inconclusive", note="no job began to run")
    over = np.flatnonzero(np.isin(history["event"], OVER))
    paused_s = _paused(facts)
    findings, longest_s = [], 0.0
    for row in began:
        node, job = history["node"][row], int(history["job"][row])
        same = over[(history["node"][over] == node) & (over > row)]
        end = float(history["t"][same[0]]) if len(same) else facts.ended_at
        began_at, timeout_s = float(history["t"][row]), facts.plan.jobs[job].timeout_s
        held_s = end - began_at - paused_s.get(int(node), 0.0)
        longest_s = max(longest_s, held_s - timeout_s)
        if held_s > timeout_s + GRACE_S:
            findings.append(
                Finding(
                    job,
                    f"job {job} held its worker from {seconds(began_at)} to {seconds(end)}, "
                    f"its timeout is {seconds(timeout_s)}",
                    (int(row),),
                    held_s,
                )
            )
    note = f"{len(began)} runs, the longest {max(0.0, longest_s):.2f} s past its timeout"
    return judged(findings, note)


def _paused(facts: Facts) -> dict[int, float]:
    """For how long each worker was paused: while it is, nothing in it can end."""
    history, paused = facts.history, dict[int, float]()
    for row in history.where(Event.FAULT_STRUCK):
        tag = facts.plan.faults[int(history["fault"][row])].__struct_config__.tag
        if tag == "pause_at":
            node = int(history["node"][row])
            paused[node] = paused.get(node, 0.0) + float(history["value"][row])
    return paused
