"""Leases exclusive: a job has one holder at a time, and only its holder can settle it.

Judged from what must have been so. A lease surely lasts as :mod:`..record.leases` says, or until
its holder settled, lost it, or died. Two such spans of one job that overlap are a finding; so is
an ack, nack, release or extension that was first sent after a newer delivery had been handed out,
and was accepted all the same; and so is a job that its holder was told is not his any more, and
that counts as done at the end though no ack of it was ever accepted. A word that was first sent
when its lease had surely ended must be refused, too, even while nobody else has the job.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from ..finding import Finding, Judged, judged
from ..record.culprits import settled_by_another
from ..record.facts import Facts
from ..record.history import Answer, Event
from ..record.leases import Holder, Leases
from ..record.story import node_name
from ..sight import Needs
from ..spec.late_words import late_words
from ..spec.lives import struck_calls
from ..units import seconds

TITLE = "a job has one holder at a time"
RANK = 30
NEEDS: Needs = (Event.LEASED, Event.ACK_SENT, Event.HANDBACK_SENT, Event.FINISHED)
ALWAYS = True
CERTAIN = True

TOLERANCE_S = 1e-6
Span = tuple[float, float, int, int]  # from, to, token, row
ZOMBIES = {
    Event.ACK_ANSWERED: ("ack", "settled somebody else's delivery"),
    Event.NACK_ANSWERED: ("nack", "settled somebody else's delivery"),
    Event.RELEASE_ANSWERED: ("release", "settled somebody else's delivery"),
    Event.EXTEND_ANSWERED: ("heartbeat", "extended somebody else's lease"),
}


def judge(facts: Facts) -> Judged:
    leased = facts.history["job"][facts.rows(Event.LEASED)]
    crowded = np.bincount(leased, minlength=facts.jobs) > 1
    findings, spans = _settled_by_another(facts), dict[int, list[Span]]()
    if crowded.any():
        leases = Leases(facts, crowded)
        spans = _surely_held(facts, leases)
        findings += _overlaps(spans)
        if facts.claims.fencing:
            findings += _unfenced(facts, leases)
    if facts.claims.fencing:
        findings += _too_late(facts, {finding.job for finding in findings})
    return judged(
        findings,
        f"{sum(map(len, spans.values()))} leases of {len(spans)} jobs that were delivered more "
        f"than once, {len(findings)} violations",
    )


def _surely_held(facts: Facts, leases: Leases) -> dict[int, list[Span]]:
    """Per job: when it was surely held, in the order in which its leases began."""
    t = facts.history["t"]
    ends: dict[Holder, float] = dict(leases.ends)
    for event in (Event.ACK_SENT, Event.HANDBACK_SENT, Event.FINISHED, Event.LEASE_LOST):
        for i, holder in leases.rows(event):
            if holder in ends:
                ends[holder] = min(ends[holder], float(t[i]))
    last_words = _last_words(facts)
    stale = {} if facts.claims.fencing else _under_way(facts, leases)
    spans: dict[int, list[Span]] = defaultdict(list)
    for i, holder in leases.rows(Event.LEASED):
        job, token, node, incarnation, _ = holder
        since, until = float(t[i]), min(ends[holder], last_words.get((node, incarnation), np.inf))
        for sent_s, arrived_s, of_token in stale.get(job, ()):
            if of_token < token and arrived_s > since:
                until = min(until, max(since, sent_s))
        spans[job].append((since, until, token, i))
    return spans


def _under_way(facts: Facts, leases: Leases) -> dict[int, list[tuple[float, float, int]]]:
    """Per job, the words that end a delivery: when each was sent, had surely arrived, its token.

    Without fencing, one that comes late ends the delivery that is under way by then.
    """
    history = facts.history
    answered = {
        holder: float(history["t"][i])
        for event in (Event.ACK_ANSWERED, Event.NACK_ANSWERED, Event.RELEASE_ANSWERED)
        for i, holder in leases.rows(event)
    }
    struck = {job for _, job in struck_calls(facts)}
    found = defaultdict[int, list[tuple[float, float, int]]](list)
    for event in (Event.ACK_SENT, Event.HANDBACK_SENT):
        for i, holder in leases.rows(event):
            job, token, *_ = holder
            arrived_s = np.inf if job in struck else answered.get(holder, np.inf)
            found[job].append((float(history["t"][i]), arrived_s, token))
    return found


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


def _unfenced(facts: Facts, leases: Leases) -> list[Finding]:
    """What a zombie said, and the queue took for the holder's word."""
    history, findings = facts.history, []
    for event, (word, crime) in ZOMBIES.items():
        for i, (job, token, node, *_) in leases.rows(event, Answer.OK):
            sent = float(history["since"][i])
            newer = leases.newer(job, token, sent - TOLERANCE_S)
            if newer:
                findings.append(
                    Finding(
                        job,
                        f"the {word} of job {job} by {node_name(facts, node)} under token {token}, "
                        f"sent at {seconds(sent)}, was accepted though token {newer.token} had "
                        f"been handed out at {seconds(newer.at_s)}: a zombie {crime}",
                        (newer.row, i),
                        1.0,
                    )
                )
    return findings


def _too_late(facts: Facts, told: set[int]) -> list[Finding]:
    """Words that were accepted of a holder whose lease had ended, of jobs not told of yet."""
    return [
        Finding(
            job,
            f"the word of {node_name(facts, late.node)} about job {job} under token "
            f"{late.token}, first sent at {seconds(late.said_at)}, was accepted, "
            f"though its lease had ended by {seconds(late.until)}",
            (late.row, late.end),
        )
        for job, words in late_words(facts).items()
        if job not in told
        for late in words
    ]


def _settled_by_another(facts: Facts) -> list[Finding]:
    """Jobs that count as done without the word of any holder."""
    findings = []
    for job, ack in settled_by_another(facts).items():
        sentence = f"job {job} counts as done, though no ack of it was ever accepted"
        rows = facts.history.of_job(job)
        leases = rows[facts.history["event"][rows] == Event.LEASED].tolist()
        if ack >= 0:
            row = facts.history.rows[ack]
            sentence += (
                f": the ack of job {row['job']} by {node_name(facts, int(row['node']))} was "
                f"accepted at {seconds(row['t'])}, before job {job} was over"
            )
        findings.append(Finding(job, sentence, (*leases[-1:], *([ack] if ack >= 0 else ()))))
    return findings
