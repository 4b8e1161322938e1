"""Permanent failures: a job that can never succeed goes to the dead letters at once.

After a failure that the worker called permanent, and the queue took note of, the job is not
handed out again, unless an operator replays it. A retry would only spend what others need.
"""

from __future__ import annotations

from ..facts import Facts, seconds
from ..history import Answer, Event
from .finding import Finding, Judged, judged


def judge(facts: Facts) -> Judged:
    history = facts.history
    nacks = facts.rows(Event.NACK_ANSWERED, Answer.OK)
    final = nacks[history["value"][nacks] > 0]
    if not len(final):
        return Judged("inconclusive", note="no job failed for good")
    leases, replays = facts.rows(Event.LEASED), facts.rows(Event.REPLAY_SENT)
    findings = []
    for row in final:
        job, at = history["job"][row], history["t"][row]
        # The grant of an older delivery may reach its worker after a newer one has failed.
        later = (leases > row) & (history["token"][leases] > history["token"][row])
        again = leases[(history["job"][leases] == job) & later]
        replayed = replays[history["job"][replays] == job]
        if len(again) and not (len(replayed) and replayed[0] < again[0]):
            findings.append(
                Finding(
                    int(job),
                    f"job {job} failed for good at {seconds(at)} and was handed out again at "
                    f"{seconds(history['t'][again[0]])}",
                    (int(row), int(again[0])),
                )
            )
    return judged(findings, f"{len(final)} failures for good, {len(findings)} retried")
