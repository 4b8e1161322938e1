"""Tokens grow: each delivery of a job has a higher fencing token than every one before it.

The token is how the queue tells the word of the holder from that of a zombie. Two deliveries with
one token are two workers whose words are the same; a token that is lower than one before lets the
zombie win. Of two deliveries the order is certain if the second was asked for when the first was
there; that two have the same token is wrong in any order.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...backends.claims import Claim
from ..finding import Finding, Judged, judged
from ..record.facts import Facts
from ..record.history import Event
from ..record.story import node_name
from ..sight import Needs
from ..spec.lives import Delivery, came_between, lives
from ..units import seconds

TITLE = "fencing tokens only grow"
RANK = 62
NEEDS: Needs = (Event.LEASED,)
CLAIMS: tuple[Claim, ...] = ("fencing",)
ALWAYS = True
CERTAIN = True


def judge(facts: Facts) -> Judged:
    crowded = {
        job: life.deliveries for job, life in lives(facts).items() if len(life.deliveries) > 1
    }
    if not crowded:
        return Judged("inconclusive", note="no job was delivered more than once")
    findings = [
        _finding(facts, job, before, after)
        for job, deliveries in crowded.items()
        for before, after in _pairs(deliveries)
        if not came_between(facts, job, before.at, after.at)
    ]
    count = sum(map(len, crowded.values()))
    return judged(
        findings, f"{count} deliveries of {len(crowded)} jobs, {len(findings)} with an old token"
    )


def _pairs(deliveries: list[Delivery]) -> Iterator[tuple[Delivery, Delivery]]:
    """Each delivery whose token is no higher than that of one that was surely before it."""
    by_time = sorted(deliveries, key=lambda delivery: delivery.at)
    by_asking = sorted(deliveries, key=lambda delivery: delivery.since)
    known: dict[int, Delivery] = {}
    for delivery in by_time:
        before = known.setdefault(delivery.token, delivery)
        if before is not delivery:
            yield before, delivery
    highest, place = None, 0
    for delivery in by_asking:
        while place < len(by_time) and by_time[place].at <= delivery.since:
            if highest is None or by_time[place].token > highest.token:
                highest = by_time[place]
            place += 1
        if highest and delivery.token < highest.token:
            yield highest, delivery


def _finding(facts: Facts, job: int, before: Delivery, after: Delivery) -> Finding:
    who, other = node_name(facts, after.node), node_name(facts, before.node)
    handed = f"job {job} was handed to {who} at {seconds(after.at)} under token {after.token}"
    earlier = f"{other} at {seconds(before.at)}"
    sentence = (
        f"{handed}, and had been handed to {earlier} under token {before.token}: the word of the "
        "first now beats that of the second"
    )
    if after.token == before.token:
        sentence = (
            f"{handed}, under which it had been handed to {earlier}: the queue cannot tell their "
            "words apart"
        )
    return Finding(job, sentence, (before.row, after.row), 1.0)
