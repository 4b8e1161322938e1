"""The space-time diagram as data: lanes, deliveries as bars, events as marks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..harness.facts import Facts, seconds
from ..harness.history import Answer, Event
from ..harness.story import node_name, tell_strike

SEEN_AT_THE_END = (Event.HELD, Event.DEAD, Event.SETTLED)
TICKS = 5
MarkKind = Literal["enqueue", "effect", "ack", "ack refused", "fault"]


@dataclass(frozen=True)
class Bar:
    """A stretch of time on a lane, in seconds: a delivery, or a job waiting for its first."""

    lane: int
    start_s: float
    end_s: float
    job: int
    text: str
    waiting: bool = False


@dataclass(frozen=True)
class Mark:
    """One event on a lane, at a time in seconds."""

    lane: int
    at_s: float
    kind: MarkKind
    text: str


@dataclass(frozen=True)
class Diagram:
    """Lanes by name from the top; bars and marks refer to them by index."""

    lanes: tuple[str, ...]
    bars: tuple[Bar, ...]
    marks: tuple[Mark, ...]
    start_s: float
    end_s: float

    @property
    def ticks_s(self) -> list[float]:
        """Times for the axis, from the start to the end."""
        step = (self.end_s - self.start_s) / (TICKS - 1)
        return [self.start_s + i * step for i in range(TICKS)]


def diagram(facts: Facts, jobs: list[int]) -> Diagram:
    """What happened to these jobs, on the lanes of the nodes that had to do with them."""
    history = facts.history
    rows = np.flatnonzero(
        np.isin(history["job"], jobs) & ~np.isin(history["event"], SEEN_AT_THE_END)
    ).tolist()
    nodes = sorted({int(history["node"][i]) for i in rows})
    lane = {node: place for place, node in enumerate(nodes)}
    marks, bars = [], []
    for i in rows:
        place = lane[int(history["node"][i])]
        if mark := _mark(facts, i, place):
            marks.append(mark)
        if bar := _delivery(facts, i, place) or _wait(facts, i, place):
            bars.append(bar)
    times = [t for bar in bars for t in (bar.start_s, bar.end_s)] + [m.at_s for m in marks]
    start_s, end_s = (min(times), max(times)) if times else (0.0, 0.0)
    margin = max(0.02 * (end_s - start_s), 1e-3)
    return Diagram(
        tuple("network" if node < 0 else node_name(facts, node) for node in nodes),
        tuple(bars),
        tuple(marks),
        max(0.0, start_s - margin),
        end_s + margin,
    )


def _mark(facts: Facts, i: int, lane: int) -> Mark | None:
    row = facts.history.rows[i]
    event, job, at_s = Event(int(row["event"])), int(row["job"]), float(row["t"])
    refused = int(row["answer"]) != Answer.OK
    kind: MarkKind
    match event:
        case Event.ENQUEUE_ANSWERED:
            kind, text = "enqueue", "the enqueue was " + ("refused" if refused else "accepted")
        case Event.EFFECT:
            kind, text = "effect", "its effect was applied"
        case Event.ACK_ANSWERED:
            kind, text = ("ack refused" if refused else "ack"), "its ack was accepted"
            text = "its ack was refused" if refused else text
        case Event.FAULT_STRUCK:
            kind, text = "fault", tell_strike(facts, i)
        case _:
            return None
    return Mark(lane, at_s, kind, f"job {job}, {at_s:.3f} s: {text}")


def _delivery(facts: Facts, i: int, lane: int) -> Bar | None:
    """The delivery that begins in this row, until it was finished, lost, or its worker died."""
    history = facts.history
    lease = history.rows[i]
    if lease["event"] != Event.LEASED:
        return None
    ends = (history["job"] == lease["job"]) & (history["token"] == lease["token"])
    ends &= np.isin(history["event"], (Event.FINISHED, Event.LEASE_LOST))
    ends |= history["event"] == Event.WORKER_EXITED
    ends &= history["node"] == lease["node"]
    ends &= history["incarnation"] == lease["incarnation"]
    later = np.flatnonzero(ends[i:])
    end_s = float(history["t"][i + later[0]]) if len(later) else facts.ended_at
    start_s, job, token = float(lease["t"]), int(lease["job"]), int(lease["token"])
    text = f"job {job}, token {token}: held from {start_s:.3f} s to {end_s:.3f} s"
    return Bar(lane, start_s, end_s, job, text)


def _wait(facts: Facts, i: int, lane: int) -> Bar | None:
    """How long a job waited for its first worker, from the row that accepted it."""
    row = facts.history.rows[i]
    if row["event"] != Event.ENQUEUE_ANSWERED or row["answer"] != Answer.OK:
        return None
    job, start_s = int(row["job"]), float(row["t"])
    leased_at = float(facts.leased_at[job])
    end_s = facts.ended_at if leased_at != leased_at else max(start_s, leased_at)
    text = f"job {job} waited {seconds(end_s - start_s)} for a worker"
    return Bar(lane, start_s, end_s, job, text, waiting=True)
