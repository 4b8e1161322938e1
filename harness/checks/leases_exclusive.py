"""Leases exclusive: a job has one holder at a time, and only its holder can settle it.

Judged from what must have been so. A lease surely lasts from the moment its holder knew
of it until its length after the request was sent, or until the holder settled, lost it,
or died; extensions reach no further than the job's timeout. Two such spans of one job
that overlap are a finding; so is an ack, nack or release that was first sent after a
newer delivery had been handed out, and was accepted all the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from ..finding import Finding, Judged, judged
from ..record.facts import Facts, Flags
from ..record.history import Answer, Event
from ..sight import Needs
from ..units import seconds

TITLE = "a job has one holder at a time"
RANK = 30
NEEDS: Needs = (Event.LEASED, Event.ACK_SENT, Event.HANDBACK_SENT, Event.FINISHED)
ALWAYS = True

TOLERANCE_S = 1e-6
Span = tuple[float, float, int, int]  # from, to, token, row
Holder = tuple[int, int, int, int]  # job, token, node, incarnation
SETTLING = {
    Event.ACK_ANSWERED: "ack",
    Event.NACK_ANSWERED: "nack",
    Event.RELEASE_ANSWERED: "release",
}


def judge(facts: Facts) -> Judged:
    leased = facts.history["job"][facts.rows(Event.LEASED)]
    crowded = np.bincount(leased, minlength=facts.jobs) > 1
    spans = _surely_held(facts, crowded) if crowded.any() else {}
    findings = _overlaps(spans)
    if facts.claims.fencing and spans:
        findings += _unfenced(facts, crowded, spans)
    leases = sum(map(len, spans.values()))
    return judged(
        findings,
        f"{leases} leases of {len(spans)} jobs that were delivered more than once, "
        f"{len(findings)} violations",
    )


def _of(
    facts: Facts, crowded: Flags, event: Event, answer: Answer | None = None
) -> Iterator[tuple[int, Holder]]:
    """The rows of these jobs with that event, each with who wrote it about which delivery."""
    history, rows = facts.history, facts.rows(event, answer)
    rows = rows[crowded[history["job"][rows]]]
    if not len(rows):
        return iter(())
    columns = [history[name][rows].tolist() for name in ("job", "token", "node", "incarnation")]
    return zip(rows.tolist(), zip(*columns, strict=True), strict=True)


def _surely_held(facts: Facts, crowded: Flags) -> dict[int, list[Span]]:
    """Per job with more than one delivery: its leases, in the order in which they began."""
    history = facts.history
    t, since, value = history["t"], history["since"], history["value"]
    ends: dict[Holder, float] = {}
    timeouts: dict[Holder, float] = {}
    for i, holder in _of(facts, crowded, Event.LEASED):
        ends[holder] = float(since[i] + value[i])
        timeouts[holder] = float(since[i]) + facts.plan.jobs[holder[0]].timeout_s
    for i, holder in _of(facts, crowded, Event.EXTEND_ANSWERED, Answer.OK):
        if holder in ends:
            until = float(since[i] + value[i])
            ends[holder] = max(ends[holder], min(until, timeouts[holder]))
    for event in (Event.ACK_SENT, Event.HANDBACK_SENT, Event.FINISHED, Event.LEASE_LOST):
        for i, holder in _of(facts, crowded, event):
            if holder in ends:
                ends[holder] = min(ends[holder], float(t[i]))
    last_words = _last_words(facts)
    spans: dict[int, list[Span]] = defaultdict(list)
    for i, holder in _of(facts, crowded, Event.LEASED):
        job, token, node, incarnation = holder
        until = min(ends[holder], last_words.get((node, incarnation), np.inf))
        spans[job].append((float(t[i]), until, token, i))
    return spans


def _last_words(facts: Facts) -> dict[tuple[int, int], float]:
    """For each worker that died: the time of the last row that it wrote itself."""
    history = facts.history
    exits = history.where(Event.WORKER_EXITED)
    if not len(exits):
        return {}
    lives = history["incarnation"].astype(np.int64) << 16 | history["node"].astype(np.uint16)
    own = np.flatnonzero(history["event"] != int(Event.WORKER_EXITED))
    lived, of = np.unique(lives[own], return_inverse=True)
    last = np.zeros(len(lived))
    np.maximum.at(last, of, history["t"][own])
    at = dict(zip(lived.tolist(), last.tolist(), strict=True))
    nodes, incarnations = history["node"][exits].tolist(), history["incarnation"][exits].tolist()
    return {
        (node, incarnation): at[life]
        for node, incarnation, life in zip(nodes, incarnations, lives[exits].tolist(), strict=True)
        if life in at
    }


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


def _unfenced(facts: Facts, crowded: Flags, spans: dict[int, list[Span]]) -> list[Finding]:
    history, findings = facts.history, []
    for event, word in SETTLING.items():
        for i, (job, token, *_) in _of(facts, crowded, event, Answer.OK):
            sent = float(history["since"][i])
            newer = [s for s in spans.get(job, ()) if s[2] > token and s[0] < sent - TOLERANCE_S]
            if newer:
                findings.append(
                    Finding(
                        job,
                        f"the {word} of job {job} under token {token}, sent at {seconds(sent)}, "
                        f"was accepted though token {newer[0][2]} had been handed out at "
                        f"{seconds(newer[0][0])}: a zombie settled somebody else's delivery",
                        (newer[0][3], i),
                        1.0,
                    )
                )
    return findings
