"""Timeouts enforced: a job that never comes back is taken from its worker, and the worker ends.

Each delivery that began to run must be over by the job's timeout and some grace: its worker
says how it ended, or is gone. Otherwise a stuck job holds a worker for ever, and a few of them
hold the fleet. Time in which the job could not run counts for nothing: its worker was paused,
cut off from the queue, or waiting to hear that its lease was extended.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from ..finding import Finding, Judged, judged
from ..record.facts import Facts
from ..record.history import Event
from ..sight import Needs
from ..units import seconds

TITLE = "no job holds a worker for ever"
RANK = 120
NEEDS: Needs = (Event.STARTED, Event.FINISHED)
NEEDS_TIME = True

GRACE_S = 2.0
EVERY_NODE = -1
OVER = (
    Event.ACK_SENT,
    Event.HANDBACK_SENT,
    Event.FINISHED,
    Event.LEASE_LOST,
    Event.WORKER_EXITED,
)
Span = tuple[float, float]


def judge(facts: Facts) -> Judged:
    history = facts.history
    began = facts.rows(Event.STARTED)
    if not len(began):
        return Judged("inconclusive", note="no job began to run")
    over = np.flatnonzero(np.isin(history["event"], OVER))
    gone = history["event"][over] == Event.WORKER_EXITED  # with every job that it had
    standstills = _standstills(facts)
    findings, longest_s = [], 0.0
    for row in began:
        node, job = history["node"][row], int(history["job"][row])
        its_own = gone | (history["job"][over] == job)
        same = over[its_own & (history["node"][over] == node) & (over > row)]
        end = float(history["t"][same[0]]) if len(same) else facts.ended_at
        began_at, timeout_s = float(history["t"][row]), facts.plan.jobs[job].timeout_s
        still = standstills.get(int(node), []) + standstills.get(EVERY_NODE, [])
        held_s = end - began_at - _covered(still, began_at, end)
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


def _standstills(facts: Facts) -> dict[int, list[Span]]:
    """Per worker: from when to when what it ran could not go on, or it could not be told to."""
    history, spans = facts.history, defaultdict[int, list[Span]](list)
    strikes = history.where(Event.FAULT_STRUCK)
    for row in strikes[history["value"][strikes] > 0]:
        at = float(history["t"][row])
        spans[int(history["node"][row])].append((at, at + float(history["value"][row])))
    for row in facts.rows(Event.EXTEND_ANSWERED):
        asked = float(history["since"][row])
        spans[int(history["node"][row])].append((asked, float(history["t"][row])))
    return spans


def _covered(spans: list[Span], start: float, end: float) -> float:
    """How much of the time from ``start`` to ``end`` lies in any of the spans."""
    total, until = 0.0, start
    for since, to in sorted(spans):
        total += max(0.0, min(to, end) - max(since, until))
        until = max(until, to)
    return total
