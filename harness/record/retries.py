"""What failed and came back, for the checks that judge retries. Finds, and judges nothing."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from typing import NamedTuple

from .facts import Facts, Ints
from .history import Answer, Event


class Retry(NamedTuple):
    """A failure that the queue took note of, and the lease in which the job came back: rows.

    ``counted``: the ordinal of the failed delivery among those that count (a lower bound). A
    token counts every delivery, even one that was handed back, which does not count. After a
    replay the queue starts to count again, and only it knows from which token.
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
    history = facts.history
    job, token = history["job"], history["token"]
    leases, releases, replays = defaultdict(list), defaultdict(list), defaultdict(list)
    for row in facts.rows(Event.LEASED).tolist():
        leases[int(job[row])].append((int(token[row]), row))
    for row in facts.rows(Event.HANDBACK_SENT).tolist():
        if history["value"][row] > 0:
            releases[int(job[row])].append(int(token[row]))
    for row in facts.rows(Event.REPLAY_SENT).tolist():
        replays[int(job[row])].append(row)
    for of_job in leases.values():
        of_job.sort()
    found = []
    for row in failures(facts, permanent).tolist():
        this, by = int(job[row]), int(token[row])
        # By token, since the grant of an older delivery may reach its worker later.
        place = bisect_right(leases[this], by, key=lambda lease: lease[0])
        if place == len(leases[this]):
            continue
        again = leases[this][place][1]
        before = [replay for replay in replays[this] if replay < again]
        if any(history["t"][replay] >= history["since"][row] for replay in before):
            continue
        forgiven = sum(released < by for released in releases[this])
        found.append(Retry(row, again, 1 if before else max(1, by - forgiven)))
    return found
