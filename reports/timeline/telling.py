"""What a timeline tells in words, and where: lanes, faults, windows, findings.

From facts to plain data for the header; nothing here knows how it is packed or drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...harness.faults import FOR_EVER_S, Fault, LastingFault, PointFault
from ...harness.record.facts import Facts
from ...harness.record.history import Event
from ...harness.record.story import node_name, tell_strike
from ...harness.result import CheckResult
from ...harness.units import seconds

EVERYWHERE = -1


class Lane(NamedTuple):
    """One line of the drawing: a node of the run."""

    node: int
    name: str
    kind: str


class ShownFinding(NamedTuple):
    """A finding: whom it is about (-1: nobody), its guarantee, what happened, its rows."""

    job: int
    title: str
    sentence: str
    rows: tuple[int, ...]


def lanes(facts: Facts) -> list[Lane]:
    """Producers first, as work comes from them, then workers, then the queue and its driver."""
    workers = len(facts.plan.workers)
    found = []
    for node in np.unique(facts.history["node"]).tolist():
        if node < 0:
            found.append(Lane(node, "queue, driver", "driver"))
        elif node < workers:
            found.append(Lane(node, node_name(facts, node), "worker"))
        else:
            found.append(Lane(node, node_name(facts, node).removeprefix("the "), "producer"))
    order = {"producer": 0, "worker": 1, "driver": 2}
    return sorted(found, key=lambda lane: (order[lane.kind], lane.node))


def strikes(facts: Facts) -> dict[int, str]:
    """What each fault did, by the row in which it struck."""
    return {i: tell_strike(facts, i) for i in facts.history.where(Event.FAULT_STRUCK).tolist()}


def windows(facts: Facts, shown: Sequence[Lane]) -> list[dict[str, Any]]:
    """Faults that last: from when to when, on which lane (``EVERYWHERE``: on all), in words."""
    lane_of = {lane.node: place for place, lane in enumerate(shown)}
    spans: list[tuple[int | None, float, float, Fault]] = []
    for fault in facts.plan.faults:
        if isinstance(fault, LastingFault):
            spans += [(node, fault.at_s, fault.for_s, fault) for node in fault.nodes]
    history = facts.history
    for i in history.where(Event.FAULT_STRUCK).tolist():
        fault = facts.plan.faults[int(history["fault"][i])]
        if isinstance(fault, PointFault) and fault.lasts_s:
            at_s, paused = float(history["t"][i]), int(history["node"][i])
            spans.append((paused, at_s, fault.lasts_s, fault))
    shown_windows = []
    for node, from_s, for_s, fault in spans:
        to_s = from_s + for_s if for_s < FOR_EVER_S else facts.ended_at
        lasts = f"for {seconds(for_s)}" if for_s < FOR_EVER_S else "for ever"
        if node is None or node in lane_of:
            shown_windows.append(
                {
                    "lane": EVERYWHERE if node is None else lane_of[node],
                    "from": round(from_s, 6),
                    "to": round(min(to_s, facts.ended_at), 6),
                    "text": f"{fault.kind} from {seconds(from_s)} {lasts}",
                }
            )
    return shown_windows


def findings(checks: Sequence[CheckResult]) -> list[ShownFinding]:
    """The findings of violated guarantees, in the plan's order of guarantees, worst first."""
    return [
        ShownFinding(finding.job, check.title, finding.sentence, finding.events)
        for check in checks
        if check.verdict == "violated"
        for finding in check.findings
    ]


def counts(values: npt.NDArray[Any]) -> dict[int, int]:
    """How often each value occurs, of those that do."""
    found, times = np.unique(values, return_counts=True)
    return dict(zip(found.tolist(), times.tolist(), strict=True))
