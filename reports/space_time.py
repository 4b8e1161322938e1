"""The space-time diagram as data: lanes, deliveries as bars, events as marks."""

from __future__ import annotations

from dataclasses import dataclass

from ..harness.facts import Facts
from ..harness.history import Event
from ..harness.story import node_name

MARKS = {
    Event.ENQUEUE_ANSWERED: "enqueue answered",
    Event.EFFECT: "effect",
    Event.ACK_ANSWERED: "ack answered",
    Event.FAULT_STRUCK: "fault",
}
ENDS = (Event.FINISHED, Event.LEASE_LOST)


@dataclass(frozen=True)
class Bar:
    """One delivery: from the lease to its end, on a lane, in seconds."""

    lane: int
    start_s: float
    end_s: float
    job: int
    token: int


@dataclass(frozen=True)
class Mark:
    """One event on a lane, at a time in seconds."""

    lane: int
    at_s: float
    kind: str
    job: int


@dataclass(frozen=True)
class Diagram:
    """Lanes by name from the top; bars and marks refer to them by index."""

    lanes: tuple[str, ...]
    bars: tuple[Bar, ...]
    marks: tuple[Mark, ...]
    end_s: float


def diagram(facts: Facts, jobs: list[int]) -> Diagram:
    """What happened to these jobs, on the lanes of the nodes that had to do with them."""
    history = facts.history
    wanted = set(jobs)
    rows = [i for i in range(len(history)) if int(history["job"][i]) in wanted]
    nodes = sorted({int(history["node"][i]) for i in rows})
    lane = {node: place for place, node in enumerate(nodes)}
    marks = tuple(
        Mark(
            lane[int(history["node"][i])],
            float(history["t"][i]),
            MARKS[Event(int(history["event"][i]))],
            int(history["job"][i]),
        )
        for i in rows
        if int(history["event"][i]) in MARKS
    )
    exits = {
        (int(history["node"][i]), int(history["incarnation"][i])): float(history["t"][i])
        for i in history.where(Event.WORKER_EXITED)
    }
    bars = []
    for i in rows:
        if history["event"][i] != Event.LEASED:
            continue
        lease = history.rows[i]
        end = exits.get((int(lease["node"]), int(lease["incarnation"])), facts.ended_at)
        for j in rows:
            later = history.rows[j]
            same = all(
                later[column] == lease[column] for column in ("node", "incarnation", "job", "token")
            )
            if j > i and same and int(later["event"]) in ENDS:
                end = min(end, float(later["t"]))
        node = int(lease["node"])
        bars.append(Bar(lane[node], float(lease["t"]), end, int(lease["job"]), int(lease["token"])))
    names = tuple(node_name(facts, node) for node in nodes)
    return Diagram(names, tuple(bars), marks, facts.ended_at)
