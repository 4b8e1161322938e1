"""Timeouts enforced: a job that never comes back is taken from its worker, and the worker ends.

Each delivery that began to run must be over by the job's timeout and some grace: its worker
says how it ended, or is gone. Otherwise a stuck job holds a worker for ever, and a few of them
hold the fleet. Time in which the job could not run counts for nothing: its worker was paused,
cut off from the queue, or waiting to hear that its lease was extended.
"""

from __future__ import annotations

from bisect import bisect_right
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
    standstills = _standstills(facts)
    findings, longest_s = [], 0.0
    for row, end in _runs(facts):
        node, job = int(history["node"][row]), int(history["job"][row])
        began_at, timeout_s = float(history["t"][row]), facts.plan.jobs[job].timeout_s
        still = standstills.get(node, standstills[EVERY_NODE])
        held_s = end - began_at - still.within(began_at, end)
        longest_s = max(longest_s, held_s - timeout_s)
        if held_s > timeout_s + GRACE_S:
            findings.append(
                Finding(
                    job,
                    f"job {job} held its worker from {seconds(began_at)} to {seconds(end)}, "
                    f"its timeout is {seconds(timeout_s)}",
                    (row,),
                    held_s,
                )
            )
    note = f"{len(began)} runs, the longest {max(0.0, longest_s):.2f} s past its timeout"
    return judged(findings, note)


def _runs(facts: Facts) -> list[tuple[int, float]]:
    """The row in which each run began, and when it was over at the latest."""
    history = facts.history
    rows = history.where_any(Event.STARTED, *OVER)
    columns = [history[name][rows].tolist() for name in ("event", "t", "node", "job")]
    running: dict[int, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    ends = dict.fromkeys(facts.rows(Event.STARTED).tolist(), facts.ended_at)
    for row, event, t, node, job in zip(rows.tolist(), *columns, strict=True):
        at_node = running[node]
        if row in ends:
            at_node[job].append(row)
        elif event == Event.WORKER_EXITED:  # with every job that it had
            ends.update((begun, t) for of_job in at_node.values() for begun in of_job)
            at_node.clear()
        else:
            ends.update((begun, t) for begun in at_node.pop(job, ()))
    return list(ends.items())


class _Standstills:
    """Spans of time that may overlap: how much of any other span they cover."""

    def __init__(self, spans: list[Span]) -> None:
        self._times, self._covered = [-np.inf], [0.0]
        until = -np.inf
        for since, to in sorted(spans):
            if to > until:
                since = max(since, until)
                self._times += [since, to]
                self._covered += [self._covered[-1], self._covered[-1] + to - since]
                until = to

    def within(self, start: float, end: float) -> float:
        return self._until(end) - self._until(start)

    def _until(self, at: float) -> float:
        place = bisect_right(self._times, at) - 1
        begun = place % 2 == 1  # times of odd place begin a span
        return self._covered[place] + (at - self._times[place] if begun else 0.0)


def _standstills(facts: Facts) -> dict[int, _Standstills]:
    """Per worker: when what it ran could not go on, or it could not be told to."""
    history, spans = facts.history, defaultdict[int, list[Span]](list)
    strikes = history.where(Event.FAULT_STRUCK)
    for row in strikes[history["value"][strikes] > 0]:
        at = float(history["t"][row])
        spans[int(history["node"][row])].append((at, at + float(history["value"][row])))
    for row in facts.rows(Event.EXTEND_ANSWERED):
        asked = float(history["since"][row])
        spans[int(history["node"][row])].append((asked, float(history["t"][row])))
    everywhere = spans[EVERY_NODE]
    return {
        node: _Standstills(own if node == EVERY_NODE else own + everywhere)
        for node, own in spans.items()
    }
