"""Leases exclusive: a job has one holder at a time, and only its holder can settle it.

Judged from what must have been so. A lease surely lasts from the moment its holder knew
of it until its length after the request was sent, or until the holder settled, lost it,
or died; extensions reach no further than the job's timeout. Two such spans of one job
that overlap are a finding; so is an ack, nack or release that was first sent after a
newer delivery had been handed out, and was accepted all the same.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import numpy.typing as npt

from ..facts import Facts, seconds
from ..history import Answer, Event
from .finding import Finding, Judged, judged

TOLERANCE_S = 1e-6
Span = tuple[float, float, int, int]  # from, to, token, row
SETTLING = {
    Event.ACK_ANSWERED: "ack",
    Event.NACK_ANSWERED: "nack",
    Event.RELEASE_ANSWERED: "release",
}


def judge(facts: Facts) -> Judged:
    spans = _surely_held(facts)
    findings = [*_overlaps(spans), *(_unfenced(facts, spans) if facts.claims.fencing else ())]
    leases = sum(map(len, spans.values()))
    return judged(
        findings,
        f"{leases} leases of {len(spans)} jobs that were delivered more than once, "
        f"{len(findings)} violations",
    )


def _surely_held(facts: Facts) -> dict[int, list[Span]]:
    """Per job with more than one delivery: its leases, in the order in which they began."""
    history = facts.history
    leased = history["job"][facts.rows(Event.LEASED)]
    crowded = np.bincount(leased, minlength=facts.jobs) > 1
    if not crowded.any():
        return {}

    def of_crowded(event: Event, answer: Answer | None = None) -> npt.NDArray[np.intp]:
        found = facts.rows(event, answer)
        return found[crowded[history["job"][found]]]

    rows = of_crowded(Event.LEASED)
    ends: dict[tuple[int, int, int, int], float] = {}
    timeouts: dict[tuple[int, int, int, int], float] = {}
    for i in rows:
        holder, asked = _holder(facts, i), float(history["since"][i])
        ends[holder] = asked + float(history["value"][i])
        timeouts[holder] = asked + facts.plan.jobs[holder[0]].timeout_s
    for i in of_crowded(Event.EXTEND_ANSWERED, Answer.OK):
        holder = _holder(facts, i)
        if holder in ends:
            until = float(history["since"][i] + history["value"][i])
            ends[holder] = max(ends[holder], min(until, timeouts[holder]))
    for event in (Event.ACK_SENT, Event.HANDBACK_SENT, Event.FINISHED, Event.LEASE_LOST):
        for i in of_crowded(event):
            holder = _holder(facts, i)
            if holder in ends:
                ends[holder] = min(ends[holder], float(history["t"][i]))
    last_words = _last_words(facts)
    spans: dict[int, list[Span]] = defaultdict(list)
    for i in rows:
        holder = _holder(facts, i)
        job, token, node, incarnation = holder
        until = min(ends[holder], last_words.get((node, incarnation), np.inf))
        spans[job].append((float(history["t"][i]), until, token, int(i)))
    return spans


def _holder(facts: Facts, i: int) -> tuple[int, int, int, int]:
    row = facts.history.rows[i]
    return int(row["job"]), int(row["token"]), int(row["node"]), int(row["incarnation"])


def _last_words(facts: Facts) -> dict[tuple[int, int], float]:
    """For each worker that died: the time of the last row that it wrote itself."""
    history = facts.history
    exits = history.where(Event.WORKER_EXITED)
    died = set(
        zip(history["node"][exits].tolist(), history["incarnation"][exits].tolist(), strict=True)
    )
    last: dict[tuple[int, int], float] = {}
    own = np.flatnonzero((history["node"] >= 0) & (history["event"] != Event.WORKER_EXITED))
    keys = zip(history["node"][own].tolist(), history["incarnation"][own].tolist(), strict=True)
    for key, t in zip(keys, history["t"][own].tolist(), strict=True):
        if key in died:
            last[key] = max(t, last.get(key, t))
    return last


def _overlaps(spans: dict[int, list[Span]]) -> list[Finding]:
    findings = []
    for job, held in spans.items():
        until, before = -np.inf, -1
        for start, end, _, row in sorted(held):
            if end < start:
                continue  # the lease may have ended before its holder knew of it
            if start < until - TOLERANCE_S:
                findings.append(
                    Finding(
                        job,
                        f"job {job} was handed out at {seconds(start)} while another worker "
                        f"held its lease until {seconds(until)}",
                        (before, row),
                        until - start,
                    )
                )
            if end > until:
                until, before = end, row
    return findings


def _unfenced(facts: Facts, spans: dict[int, list[Span]]) -> list[Finding]:
    history, findings = facts.history, []
    if not spans:
        return []
    for event, word in SETTLING.items():
        for i in facts.rows(event, Answer.OK):
            job, token = int(history["job"][i]), int(history["token"][i])
            sent = float(history["since"][i])
            newer = [s for s in spans.get(job, ()) if s[2] > token and s[0] < sent - TOLERANCE_S]
            if newer:
                findings.append(
                    Finding(
                        job,
                        f"the {word} of job {job} under token {token}, sent at {seconds(sent)}, "
                        f"was accepted though token {newer[0][2]} had been handed out at "
                        f"{seconds(newer[0][0])}: a zombie settled somebody else's delivery",
                        (newer[0][3], int(i)),
                        1.0,
                    )
                )
    return findings
