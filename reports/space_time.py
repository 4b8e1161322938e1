"""The space-time diagram as data: lanes, deliveries as bars, events as marks, messages as arrows.

Says what happened to a few jobs, where and when, in the words of a reader. Decides nothing
about how it is drawn; :mod:`.sequence` lays it out, and other formats may do so in their way.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf
from typing import Literal

import numpy as np

from ..harness.faults import LastingFault
from ..harness.plan.senseless import ALL_NAMES
from ..harness.record.facts import Facts
from ..harness.record.history import Answer, Event
from ..harness.record.story import (
    delivery_end,
    exits_with,
    node_name,
    tell_error,
    tell_exit,
    tell_strike,
    why_given_up,
)
from ..harness.units import seconds

QUEUE = -1  # the lane of the queue itself, among those of nodes
TICKS = 5
AT_THE_END = {
    Event.HELD: "still held",
    Event.DEAD: "dead letter",
    Event.SETTLED: "counted done",
    Event.CONTRADICTED: "held, not counted",
    Event.UNTOLD: "nothing",
}
SETTLES = (Event.ACK_ANSWERED, Event.NACK_ANSWERED, Event.RELEASE_ANSWERED)
MarkKind = Literal[
    "enqueue", "lease", "start", "effect", "absorbed", "ack", "ack refused", "nack",
    "lease expired", "given up", "resumed", "exited", "replay", "fault", "end", "fate",
]  # fmt: skip
ArrowKind = Literal["enqueue", "lease", "again", "ack", "refused"]


@dataclass(frozen=True)
class Bar:
    """A stretch of time on a lane, in seconds: a delivery, or a job that waits in the queue.

    ``start_row`` and ``end_row`` are the rows of the history that begin and end it, -1: none.
    """

    lane: int
    start_s: float
    end_s: float
    job: int
    text: str
    waiting: bool = False
    start_row: int = -1
    end_row: int = -1


@dataclass(frozen=True)
class Mark:
    """One event on a lane, at a time in seconds; ``label`` is its name in a word or two.

    ``row`` is its row of the history, -1: computed (a lease that ran out, what became of a job).
    """

    lane: int
    at_s: float
    kind: MarkKind
    text: str
    job: int = -1
    label: str = ""
    row: int = -1


@dataclass(frozen=True)
class Arrow:
    """A message from a lane to a lane; it arrived with the row of the history."""

    start: int
    end: int
    at_s: float
    kind: ArrowKind
    row: int


@dataclass(frozen=True)
class Diagram:
    """Lanes by name, producers first, then the queue, then workers; the rest by their index."""

    lanes: tuple[str, ...]
    bars: tuple[Bar, ...]
    marks: tuple[Mark, ...]
    start_s: float
    end_s: float
    arrows: tuple[Arrow, ...] = ()
    queue: int = -1

    @property
    def ticks_s(self) -> list[float]:
        """Times for an axis, from the start to the end."""
        step = (self.end_s - self.start_s) / (TICKS - 1)
        return [self.start_s + i * step for i in range(TICKS)]


def diagram(facts: Facts, jobs: list[int]) -> Diagram:
    """What happened to these jobs, on the lanes of the nodes that had to do with them."""
    history = facts.history
    rows = np.flatnonzero(np.isin(history["job"], jobs)).tolist()
    if not rows:
        return Diagram((), (), (), 0.0, 0.0)
    ended = [i for job in jobs for i in exits_with(facts, job)]
    rows = sorted({*rows, *_elsewhere(facts, rows), *ended})
    lane = _lanes(facts, rows)
    at_end = [i for i in rows if history["event"][i] in AT_THE_END]
    marks = [mark for i in rows if i not in at_end and (mark := _mark(facts, i, lane))]
    marks += _expiries(facts, rows, lane[QUEUE])
    marks += [_seen_at_the_end(facts, i, lane) for i in at_end]
    marks += [_fate(facts, job, lane[QUEUE]) for job in jobs]
    bars = [bar for i in rows if (bar := _delivery(facts, i, lane))]
    bars += [bar for job in jobs for bar in _waits(facts, job, lane[QUEUE])]
    times = [t for bar in bars for t in (bar.start_s, bar.end_s)] + [m.at_s for m in marks]
    start_s, end_s = (min(times), max(times)) if times else (0.0, 0.0)
    margin = max(0.02 * (end_s - start_s), 1e-3)
    return Diagram(
        tuple("queue" if node == QUEUE else node_name(facts, node) for node in lane),
        tuple(bars),
        tuple(sorted(marks, key=lambda mark: mark.at_s)),
        max(0.0, start_s - margin),
        end_s + margin,
        tuple(arrow for i in rows if (arrow := _arrow(facts, i, lane))),
        lane[QUEUE],
    )


def _lanes(facts: Facts, rows: list[int]) -> dict[int, int]:
    """The lane of each node: whoever asks the queue for work to be done, the queue, workers."""
    nodes = {int(facts.history["node"][i]) for i in rows} | {QUEUE}
    workers = len(facts.plan.workers)
    clients = sorted(node for node in nodes if node >= workers)
    order = [*clients, QUEUE, *sorted(node for node in nodes if 0 <= node < workers)]
    return {node: place for place, node in enumerate(order)}


def _elsewhere(facts: Facts, rows: list[int]) -> list[int]:
    """Strikes that met no job in particular, but these jobs' queue or nodes meanwhile; each once.

    What lasts strikes call by call; its first strike is drawn.
    """
    history = facts.history
    last_row = rows[-1]
    nodes = {QUEUE, *history["node"][rows].tolist()}
    drawn = set(history["fault"][[i for i in rows if history["fault"][i] >= 0]].tolist())
    found = []
    for i in history.where(Event.FAULT_STRUCK).tolist():
        number, node = int(history["fault"][i]), int(history["node"][i])
        fault = facts.plan.faults[number]
        if history["job"][i] >= 0 or node not in nodes or i > last_row:
            continue
        if number in drawn and isinstance(fault, LastingFault) and node != QUEUE:
            continue
        length_s = fault.lasts_s
        if history["t"][i] + length_s >= history["t"][rows[0]]:
            drawn.add(number)
            found.append(i)
    return found


def _mark(facts: Facts, i: int, lane: dict[int, int]) -> Mark | None:
    row = facts.history.rows[i]
    event, job, at_s = Event(int(row["event"])), int(row["job"]), float(row["t"])
    answer = Answer(int(row["answer"]))
    refused = answer != Answer.OK
    said = {Answer.OK: "accepted", Answer.FAILED: "refused"}.get(answer, "left unanswered")
    kind: MarkKind
    match event:
        case Event.ENQUEUE_ANSWERED:
            kind, label, text = "enqueue", "enqueued", f"the enqueue was {said}"
            label = "enqueue refused" if refused else label
        case Event.LEASED:
            kind, label = "lease", f"lease {row['token']}"
            text = f"handed out under token {row['token']} for {seconds(row['value'])}"
        case Event.STARTED if facts.history["event"][i - 1] != Event.LEASED:
            kind, label, text = "start", "starts", "the worker started to work"
        case Event.EFFECT if i in facts.absorbed:
            kind, label = "absorbed", "effect known"
            text = "its effect was requested again and recognised: nothing changed"
        case Event.EFFECT:
            kind, label, text = "effect", "effect", "its effect was applied"
        case Event.ACK_ANSWERED:
            kind, text = ("ack refused" if refused else "ack"), f"its ack was {said}"
            label = f"ack {said}" if answer in (Answer.OK, Answer.FAILED) else "ack unanswered"
        case Event.NACK_ANSWERED:
            kind, label, text = "nack", "failed", f"the report of its failure was {said}"
        case Event.RELEASE_ANSWERED:
            kind, label, text = "nack", "handed back", f"its return to the queue was {said}"
        case Event.EXTEND_ANSWERED if i in facts.stale_heartbeats:
            kind, label = "ack", f"heartbeat {row['token']} accepted"
            text = f"its heartbeat under token {row['token']} was accepted, which had been replaced"
        case Event.ERRED:
            call, words = tell_error(facts, i), facts.history.words(i).error
            kind, label, text = "ack refused", "error", f"{call} was answered: {words}"
        case Event.LEASE_LOST:
            kind, label = "given up", "gave it up"
            text = f"the worker gave it up, {why_given_up(facts, i)}"
        case Event.RESUMED:
            kind, label, text = "resumed", "resumed", "the worker resumed"
        case Event.REPLAY_ANSWERED:
            kind, label, text = "replay", "replayed", f"the replay was {said}"
        case Event.SENSELESS_ANSWERED if row["answer"] == Answer.OK:
            kind, label, text = "enqueue", "accepted", f"{ALL_NAMES[int(row['key'])]} was accepted"
        case Event.WORKER_EXITED:
            kind, text = "exited", tell_exit(facts, i)
            label = "killed" if row["value"] < 0 else "ended"
        case Event.FAULT_STRUCK:
            kind, text = "fault", tell_strike(facts, i)
            label = facts.plan.faults[int(row["fault"])].caption
        case _:
            return None
    whose = f"job {job}, {at_s:.3f} s" if job >= 0 else f"{at_s:.3f} s"
    return Mark(lane[int(row["node"])], at_s, kind, f"{whose}: {text}", job, label, i)


def _seen_at_the_end(facts: Facts, i: int, lane: dict[int, int]) -> Mark:
    """What the queue said of the job when all was over, or the living worker that still had it."""
    row = facts.history.rows[i]
    label, job, at_s = AT_THE_END[Event(int(row["event"]))], int(row["job"]), float(row["t"])
    node = int(row["node"])
    if in_hand := row["event"] == Event.HELD and node != QUEUE:
        label = "still running" if row["value"] else "not begun"
    who = f"in {node_name(facts, node)} it was" if in_hand else "the queue said"
    text = f"job {job}, {at_s:.3f} s: at the end {who}: {label}"
    return Mark(lane[node], at_s, "end", text, job, label, i)


def _fate(facts: Facts, job: int, queue: int) -> Mark:
    """What became of the job, when all was over."""
    outcome = facts.outcome(job) if 0 <= job < facts.jobs else "phantom"
    text = f"job {job}, {facts.ended_at:.3f} s: at the end it is {outcome}"
    return Mark(queue, facts.ended_at, "fate", text, job, outcome)


def _expiries(facts: Facts, rows: Iterable[int], queue: int) -> list[Mark]:
    """When the last lease of a delivery that nobody settled ran out, at the latest."""
    history = facts.history
    until: dict[tuple[int, int], float] = {}
    for i in rows:
        row = history.rows[i]
        event, delivery = int(row["event"]), (int(row["job"]), int(row["token"]))
        accepted = int(row["answer"]) == Answer.OK
        if event == Event.LEASED or (event == Event.EXTEND_ANSWERED and accepted):
            if delivery in until or event == Event.LEASED:
                until[delivery] = max(until.get(delivery, 0.0), float(row["t"] + row["value"]))
        elif event in SETTLES and accepted and float(row["t"]) <= until.get(delivery, -inf):
            del until[delivery]
    return [
        Mark(
            queue,
            at_s,
            "lease expired",
            f"job {job}, {at_s:.3f} s: the lease under token {token} ended by now at the latest",
            job,
            f"lease {token} over",
        )
        for (job, token), at_s in until.items()
        if at_s <= facts.ended_at
    ]


def _delivery(facts: Facts, i: int, lane: dict[int, int]) -> Bar | None:
    """The delivery that begins in this row, until it was finished, lost, or its worker died."""
    history = facts.history
    lease = history.rows[i]
    if lease["event"] != Event.LEASED:
        return None
    end_row = delivery_end(facts, i)
    end_s = float(history["t"][end_row]) if end_row >= 0 else facts.ended_at
    start_s, job, token = float(lease["t"]), int(lease["job"]), int(lease["token"])
    text = f"job {job}, token {token}: held from {start_s:.3f} s to {end_s:.3f} s"
    place = lane[int(lease["node"])]
    return Bar(place, start_s, end_s, job, text, start_row=i, end_row=end_row)


def _waits(facts: Facts, job: int, queue: int) -> list[Bar]:
    """How long the job waited for its first worker, from the row that accepted it."""
    history = facts.history
    of_job = history.of_job(job)
    accepted = (history["event"][of_job] == Event.ENQUEUE_ANSWERED) & (
        history["answer"][of_job] == Answer.OK
    )
    if not accepted.any():
        return []
    start_row = int(of_job[accepted][0])
    leases = of_job[history["event"][of_job] == Event.LEASED]
    end_row = int(leases[0]) if len(leases) else -1
    start_s = float(history["t"][start_row])
    end_s = max(start_s, float(history["t"][end_row])) if len(leases) else facts.ended_at
    text = f"job {job} waited {seconds(end_s - start_s)} for a worker"
    return [Bar(queue, start_s, end_s, job, text, True, start_row, end_row)]


def _arrow(facts: Facts, i: int, lane: dict[int, int]) -> Arrow | None:
    row = facts.history.rows[i]
    event, answer, queue = Event(int(row["event"])), int(row["answer"]), lane[QUEUE]
    node, at_s = lane[int(row["node"])], float(row["t"])
    match event:
        case Event.ENQUEUE_ANSWERED | Event.REPLAY_ANSWERED if answer == Answer.OK:
            return Arrow(node, queue, at_s, "enqueue", i)
        case Event.LEASED:
            return Arrow(queue, node, at_s, "again" if row["token"] > 1 else "lease", i)
        case Event.ACK_ANSWERED | Event.NACK_ANSWERED | Event.RELEASE_ANSWERED:
            kind: ArrowKind = "ack" if answer == Answer.OK else "refused"
            return Arrow(node, queue, at_s, kind, i)
        case _:
            return None
