"""A history as the data block of a timeline: which columns there are and what they mean.

Events lie lane by lane and by time within each, since they are drawn so and since a node's
events follow one another so regularly that gzip makes little of them. The time at which all
lanes are in order is found in the browser; ``swap`` mends what rounding has put out of order.
Times are whole ticks; the tick grows with the run, so that the block stays within its bounds.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...harness.record.facts import OUTCOMES, Facts
from ...harness.record.history import Answer, Event
from .columns import Column, block, column
from .sampling import MOST_EVENTS, kept_rows
from .telling import ShownFinding, counts, lanes, strikes, windows

MOST_BYTES = 1_900_000  # of the block; a page of 2 MB holds the rest, too
FINEST_TICK_S = 1e-6
GAP_TICKS = 256  # more ticks between two events than that are the clock's noise, in a long run
FEW_EVENTS = 100_000  # so few need no rounding
NO_OUTCOME = len(OUTCOMES)
NAMES = {Event(e): e.name.lower().replace("_", " ") for e in Event} | {
    Event.HELD: "held at the end",
    Event.CONTRADICTED: "held, not counted",
    Event.DEAD: "dead letter at the end",
    Event.SETTLED: "done at the end",
    Event.ERRED: "answered with an error",
    Event.UNTOLD: "not told at the end",
}


class Encoded(NamedTuple):
    """The block in base64; how many events it holds, and of how many; a tick in seconds."""

    data: str
    shown: int
    events: int
    tick_s: float


def encode(facts: Facts, findings: list[ShownFinding], most: int = MOST_EVENTS) -> Encoded:
    """Pack what there is to see; at most about ``most`` events, see :mod:`.sampling`."""
    history = facts.history
    rows = kept_rows(facts, findings, most)
    rows = rows[np.argsort(history["t"][rows], kind="stable")]
    shown_lanes = lanes(facts)
    place = {lane.node: number for number, lane in enumerate(shown_lanes)}
    nodes, inverse = np.unique(history["node"][rows], return_inverse=True)
    lane = np.array([place[node] for node in nodes.tolist()], dtype=np.intp)[inverse]
    rank = np.argsort(lane, kind="stable")  # of each event, in the order of the lanes
    rows, lane = rows[rank], lane[rank]
    header, columns = _header(facts, findings, rows, lane, rank)
    tick_s = _first_tick(facts, len(rows))
    coarsest_s = facts.ended_at / max(1, len(rows)) / 4  # more would tell of no time any more
    while True:
        timed = [*columns, *_times(history["t"][rows], lane, rank, tick_s)]
        data = block(header | {"tick": tick_s}, timed)
        if len(data) <= MOST_BYTES or tick_s >= coarsest_s:
            return Encoded(data, len(rows), len(history), tick_s)
        tick_s *= 10


def _first_tick(facts: Facts, events: int) -> float:
    """The finest tick for a short run; in a long one, one that knows events apart."""
    if events <= FEW_EVENTS:
        return FINEST_TICK_S
    wanted_s = facts.ended_at / events / GAP_TICKS
    tick_s = 10.0 ** np.ceil(np.log10(max(wanted_s, FINEST_TICK_S)))
    return float(tick_s)


def _times(
    t: npt.NDArray[Any], lane: npt.NDArray[np.intp], rank: npt.NDArray[np.intp], tick_s: float
) -> list[Column]:
    ticks = np.rint(t / tick_s).astype(np.int64)
    by_tick = np.lexsort((lane, ticks))
    return [
        column("tick", ticks, delta=True),
        column("swap", rank[by_tick] - np.arange(len(rank))),
    ]


def _header(
    facts: Facts,
    findings: list[ShownFinding],
    rows: npt.NDArray[np.intp],
    lane: npt.NDArray[np.intp],
    rank: npt.NDArray[np.intp],
) -> tuple[dict[str, Any], list[Column]]:
    history = facts.history
    job, event = history["job"][rows], history["event"][rows]
    jobs = np.unique(job[job >= 0])
    struck = strikes(facts)
    struck_rows = rows[event == Event.FAULT_STRUCK].tolist()
    texts = {text: number for number, text in enumerate(dict.fromkeys(struck.values()))}
    shown_lanes = lanes(facts)
    sizes = np.bincount(lane, minlength=len(shown_lanes)).tolist()
    fates = np.full(max(facts.jobs, int(jobs.max(initial=-1)) + 1), NO_OUTCOME)
    fates[: facts.jobs] = facts.fates
    fates[facts.jobs :] = OUTCOMES.index("phantom")
    queues = np.full(len(fates), -1)
    queues[: facts.jobs] = [planned.queue for planned in facts.plan.jobs]
    header = {
        "events": len(history),
        "shown": len(rows),
        "end": round(facts.ended_at, 6),
        "lanes": [
            {"name": each.name, "kind": each.kind, "size": size}
            for each, size in zip(shown_lanes, sizes, strict=True)
        ],
        "kinds": {event.value: name for event, name in NAMES.items()},
        "counts": counts(history["event"]),
        "strike": int(Event.FAULT_STRUCK),
        "answers": ["", *(answer.name.lower() for answer in Answer if answer)],
        "outcomes": [*OUTCOMES, "none"],
        "ends": facts.outcomes,
        "queues": [queue.name for queue in facts.plan.queues],
        "texts": list(texts),
        "windows": windows(facts, shown_lanes),
        "findings": [(finding.title, finding.sentence) for finding in findings],
    }
    columns = [
        column("event", event),
        column("answer", history["answer"][rows]),
        column("job", np.where(job < 0, -1, np.searchsorted(jobs, job)), delta=True),
        column("token", history["token"][rows], delta=True),
        column("strike", [texts[struck[row]] for row in struck_rows]),
        column("id", jobs, delta=True),
        column("outcome", fates[jobs]),
        column("queue", queues[jobs]),
        *_findings(findings, rows, jobs),
    ]
    if len(rows) == len(history):  # else the row's number would be most of the block
        in_time = np.empty_like(rows)
        in_time[rank] = rows
        columns.append(column("row", in_time, delta=True))
    return header, columns


def _findings(
    findings: list[ShownFinding], rows: npt.NDArray[np.intp], jobs: npt.NDArray[Any]
) -> list[Column]:
    """Of each finding its job, how many events it points at, and these, as places above."""
    order = np.argsort(rows)
    pointed = np.array([row for finding in findings for row in finding.rows], dtype=np.intp)
    known = dict(zip(jobs.tolist(), range(len(jobs)), strict=True))
    return [
        column("whose", [known.get(finding.job, -1) for finding in findings], delta=True),
        column("points", [len(finding.rows) for finding in findings]),
        column("at", order[np.searchsorted(rows, pointed, sorter=order)], delta=True),
    ]
