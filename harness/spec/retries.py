"""What failed and came back, for the checks that judge retries. Finds, and judges nothing."""

from __future__ import annotations

from typing import NamedTuple

from ..record.facts import Facts, Ints
from ..record.history import Answer, Event
from .lives import Delivery, Life, born_between, came_between, lives


class Retry(NamedTuple):
    """A failure that the queue took note of, and the lease in which the job came back: rows.

    ``counted``: the ordinal of the failed delivery among those that count (a lower bound, since
    some may have gone astray unseen). After a replay the queue starts to count again, and after
    a submission of what was done, since it may have been forgotten.
    """

    failed: int
    again: int
    counted: int


def failures(facts: Facts, permanent: bool) -> Ints:
    """The rows that tell of a failure, for good or not, that the queue took note of."""
    nacks = facts.rows(Event.NACK_ANSWERED, Answer.OK)
    found: Ints = nacks[(facts.history["value"][nacks] > 0) == permanent]
    return found


def retries(facts: Facts, permanent: bool = False) -> list[Retry]:
    """Each failure after which the job came back, unless an operator brought it back."""
    wanted = "permanent" if permanent else "failed"
    found = []
    for job, life in lives(facts).items():
        counted = 0
        for ended, again in zip(life.deliveries, life.deliveries[1:], strict=False):
            counted += ended.counts is True
            if ended.ending == wanted and _after(ended, again):
                if _replayed(life, ended.said_at, again.at) or born_between(
                    facts, job, ended.said_at, again.at
                ):
                    counted = 0
                else:
                    found.append(Retry(ended.end, again.row, max(1, counted)))
            elif _replayed(life, ended.at, again.at) or came_between(
                facts, job, ended.at, again.at
            ):
                counted = 0
    return sorted(found)


def _after(ended: Delivery, again: Delivery) -> bool:
    """Whether it is certain that the second was granted after the first had ended.

    The grant of an older delivery may reach its worker later; its token is lower.
    """
    return again.token > ended.token or again.since >= ended.said_at


def _replayed(life: Life, since: float, until: float) -> bool:
    return any(since <= replay.sent_at < until for replay in life.replays)
