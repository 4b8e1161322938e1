"""What is new in a run: orders of events, phases that faults struck, and near misses.

A run is seen as a set of small features; it is interesting if it has one that no run before
had. A near miss is measured in powers of two, so that coming twice as near is new.
"""

from __future__ import annotations

from math import floor, log2
from typing import NamedTuple

import numpy as np

from ..record.facts import Facts, Floats
from ..record.history import Answer, Event

Feature = tuple[str, int] | tuple[str, str, str]
FARTHEST, NEAREST = 4, -10  # as powers of two, of seconds or of shares


class NearMiss(NamedTuple):
    """How near a guarantee came to its end: seconds, or the share of the bound that was left."""

    what: str
    margin: float


def features(facts: Facts, misses: list[NearMiss]) -> set[Feature]:
    """What there is to see in the run, whose near misses are these."""
    seen: set[Feature] = {("order", code) for code in _orders(facts)}
    seen |= {("bite", fault, phase) for fault, phase in facts.bites}
    seen |= {("ends", 8 * kind + min(n, 7)) for kind, n in enumerate(facts.outcomes.values())}
    for near in misses:
        seen.add((near.what, _power(near.margin)))
    return seen


def _orders(facts: Facts) -> list[int]:
    """Three events in a row of one job, and two in a row of the whole run, as numbers.

    Each says, too, whether its worker is another one than before.
    """
    history = facts.history
    told = np.flatnonzero(history["event"] != Event.NOTHING_TO_DO)  # nothing happened
    word = history["event"][told].astype(np.int64) * 4 + history["answer"][told]
    node, job = history["node"][told], history["job"][told]
    of_jobs = np.argsort(job, kind="stable")
    by_job, words, nodes = job[of_jobs], word[of_jobs], node[of_jobs]
    same = (by_job[2:] == by_job[:-2]) & (by_job[2:] >= 0)
    moved = (nodes[1:] != nodes[:-1]).astype(np.int64)
    triples = ((words[:-2] << 16) | (words[1:-1] << 8) | words[2:]) * 4
    triples += moved[:-1] * 2 + moved[1:]
    pairs = (word[:-1] << 8 | word[1:]) * 4
    pairs += (job[1:] == job[:-1]) * 2 + (node[1:] != node[:-1])
    found: list[int] = np.unique(np.concatenate([triples[same], -1 - pairs])).tolist()
    return found


def near_misses(facts: Facts) -> list[NearMiss]:
    """The lease that was acked latest before its end, and the job that waited longest."""
    found = []
    acked = _ack_margin_s(facts)
    if acked is not None:
        found.append(NearMiss("lease left at the ack", acked))
    bounded = facts.bounded & facts.accepted & ~np.isnan(facts.leased_at)
    if bounded.any():
        waited = (facts.leased_at - facts.accepted_at)[bounded] / facts.bounds_s[bounded]
        found.append(NearMiss("share of the bounded wait left", float(1.0 - waited.max())))
    most = int(facts.deliveries.max()) if facts.jobs else 0
    found.append(NearMiss("deliveries left", float(facts.plan.max_deliveries - most)))
    return found


def _ack_margin_s(facts: Facts) -> float | None:
    """How much of the lease was left when its ack was answered: the least of all, if any."""
    history = facts.history
    acks = facts.rows(Event.ACK_ANSWERED, Answer.OK)
    if not len(acks):
        return None
    ends = dict[tuple[int, int], float]()
    for event, answer in ((Event.LEASED, None), (Event.EXTEND_ANSWERED, Answer.OK)):
        rows = facts.rows(event, answer)
        until: Floats = history["since"][rows] + history["value"][rows]
        holders = zip(history["job"][rows].tolist(), history["token"][rows].tolist(), strict=True)
        ends.update(zip(holders, until.tolist(), strict=True))
    margins = [
        ends[holder] - t
        for holder, t in zip(
            zip(history["job"][acks].tolist(), history["token"][acks].tolist(), strict=True),
            history["t"][acks].tolist(),
            strict=True,
        )
        if holder in ends
    ]
    return min(margins, default=None)


def _power(margin: float) -> int:
    """The margin as a power of two; what is negative has been missed already."""
    if margin <= 0:
        return NEAREST - 1
    return max(NEAREST, floor(log2(min(margin, 2.0**FARTHEST))))  # some leases have no end
