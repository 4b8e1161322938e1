"""Deliveries used: a job is given up on when its deliveries are used up, and not before.

Whoever is not told that it can never succeed has a right to all of them. Judged of each dead
letter, at the end of the run and when an operator replayed it: the deliveries that are known, and
those that may have gone astray unseen, must have been enough to use its limit up. What was handed
back does not count. A worker is told, too, which delivery it has: a number between what is
surely known of earlier ones and what may have been. ``bounded_deliveries`` judges the other side.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

import numpy as np

from ...backends.claims import Claim
from ..finding import Finding, Judged, judged
from ..plan.plan import PlannedJob
from ..record.facts import Facts
from ..record.history import Answer, Event
from ..sight import Needs
from ..spec.asking import Astray, asking, shortest_s
from ..spec.lives import Delivery, Life, lives, submitted_again
from ..spec.waiting import mixed_up
from ..units import seconds

TITLE = "a job gets its deliveries before it is given up"
RANK = 55
NEEDS: Needs = (Event.LEASED, Event.NACK_ANSWERED, Event.NOTHING_TO_DO, Event.DEAD)
CLAIMS: tuple[Claim, ...] = ("bounded_deliveries", "dead_letters")
ALWAYS = True

FOR_GOOD = ("permanent", "malformed")  # what such jobs report


def judge(facts: Facts) -> Judged:
    of_lives, strange, again = lives(facts), mixed_up(facts), submitted_again(facts)
    unseen = asking(facts).astray
    dead_rows = facts.rows(Event.DEAD).tolist()
    deaths = _deaths(facts, dead_rows)
    if not deaths and not of_lives:
        return Judged("inconclusive", note="no job was delivered, and none was given up")
    findings, dead = list[Finding](), 0
    for job in sorted({*of_lives, *deaths} - strange):
        life, astray = of_lives.get(job, Life()), unseen[facts.plan.jobs[job].queue]
        for at, row in deaths.get(job, ()):
            dead += 1
            findings += _given_up(facts, job, life, astray, at, row)
        findings += _misnumbered(facts, job, life, astray, again.get(job, []))
    limit = facts.plan.max_deliveries
    return judged(findings, f"{dead} dead letters, {limit} deliveries are allowed")


def _deaths(facts: Facts, dead_rows: list[int]) -> dict[int, list[tuple[float, int]]]:
    """When each job was surely dead, and the row that says so: at the end, or when replayed."""
    history, found = facts.history, dict[int, list[tuple[float, int]]]()
    for row in [*facts.rows(Event.REPLAY_SENT).tolist(), *dead_rows]:
        found.setdefault(int(history["job"][row]), []).append((float(history["t"][row]), row))
    return found


def _given_up(
    facts: Facts, job: int, life: Life, astray: Astray, at: float, row: int
) -> Iterator[Finding]:
    """The death of a job that had used too few of its deliveries by then."""
    limit, planned = facts.plan.max_deliveries, facts.plan.jobs[job]
    began_at = max(
        (r.sent_at for r in life.replays if r.sent_at < at and r.answer == Answer.OK),
        default=-inf,
    )
    used = [d for d in life.deliveries if began_at < d.at <= at]
    if any(_for_good(delivery, planned) for delivery in used) or np.isnan(facts.sent_at[job]):
        return
    if not facts.claims.retries and any(delivery.ending == "failed" for delivery in used):
        return
    counted = [delivery for delivery in used if delivery.counts is not False]
    began_at = max(began_at, float(facts.sent_at[job]))
    least_s = shortest_s(facts, job)
    if len(counted) + astray.between(began_at, at - least_s) >= limit:
        return
    last = f"; {_ending(used[-1])}" if used else ""
    events = (*(delivery.row for delivery in counted), row)
    yield Finding(
        job,
        f"job {job} was given up after {len(counted)} of its {limit} deliveries{last}",
        events,
        float(limit - len(counted)),
    )


def _for_good(delivery: Delivery, planned: PlannedJob) -> bool:
    """Whether its worker may have said that the job can never succeed, and been heard."""
    if delivery.ending == "permanent":
        return True
    said = delivery.said_at < inf and not delivery.release
    return said and delivery.ending != "failed" and planned.behaviour in FOR_GOOD


def _ending(delivery: Delivery) -> str:
    told = {
        "failed": "the last one failed, and not for good",
        "crashed": "its last worker crashed",
        "lost": "the last one's lease ended",
        "released": "the last one was handed back",
        "acked": "the last one was acked",
    }
    return told.get(delivery.ending, f"the last one was at {seconds(delivery.at)}")


def _misnumbered(
    facts: Facts, job: int, life: Life, astray: Astray, submitted: list[float]
) -> Iterator[Finding]:
    """Deliveries whose number is below what is certain, or above what is possible.

    After a replay, and after a submission of what was done, a queue may count anew.
    """
    began_at = float(facts.sent_at[job])
    if np.isnan(began_at):
        return
    for place, delivery in enumerate(life.deliveries):
        if not delivery.number:
            continue  # an older ledger
        replayed_at = max(
            (r.sent_at for r in life.replays if r.sent_at < delivery.at), default=-inf
        )
        anew_at = max((at for at in submitted if at < delivery.at), default=-inf)
        fresh_at = max(replayed_at, anew_at)
        earlier = [d for d in life.deliveries[:place] if d.at <= delivery.since]
        least = 1 + sum(d.counts is True and d.at > fresh_at for d in earlier)
        most = place + 1 + astray.between(began_at, delivery.at)
        if not least <= delivery.number <= most:
            yield Finding(
                job,
                f"the worker that had job {job} at {seconds(delivery.at)} was told that it is "
                f"delivery {delivery.number}; it was {_told(least, most)}",
                (delivery.row,),
            )


def _told(least: int, most: int) -> str:
    return f"delivery {least}" if least == most else f"between delivery {least} and {most}"
