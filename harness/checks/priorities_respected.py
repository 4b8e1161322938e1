"""Priorities respected: of the jobs that are ready in its queues a worker gets the most urgent.

Also when it is there for the second time: a retry is as urgent as its job. Judged where both are
certain: the urgent one surely waited from before the other can have been handed out until its
worker had it. Only what one worker could have had instead is compared.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict

from ...backends.claims import Claim
from ..finding import Finding, Judged, judged, not_judged
from ..plan.plan import Plan
from ..record.facts import Facts
from ..record.history import Event
from ..sight import Needs
from ..spec.asking import asking
from ..spec.waiting import Turn, Wait, seen_at, time_is_certain, waiting
from ..units import seconds

TITLE = "the most urgent job goes first"
RANK = 78
NEEDS: Needs = (Event.LEASED, Event.ENQUEUE_ANSWERED, Event.NOTHING_TO_DO)
NEEDS_TIME = True
CLAIMS: tuple[Claim, ...] = ("priorities", "prompt")
ALWAYS = True


def judge(facts: Facts) -> Judged:
    if not time_is_certain(facts):
        return not_judged("a clock was wrong that the queue may go by")
    turns, findings = 0, dict[int, Finding]()
    for queues, workers in _asked_together(facts).items():
        waits, taken = _of(facts, queues, workers)
        if len({facts.plan.jobs[turn.delivery.job].priority for turn in taken}) > 1:
            turns += len(taken)
            findings = _overtaken(facts, waits, taken) | findings
    if not turns:
        return Judged("inconclusive", note="no worker was handed jobs of several priorities")
    return judged(list(findings.values()), f"{turns} deliveries, {len(findings)} out of turn")


def _asked_together(facts: Facts) -> dict[tuple[int, ...], set[int]]:
    """The workers that ask the same queues at once, by the numbers of these queues."""
    numbers = {queue.name: number for number, queue in enumerate(facts.plan.queues)}
    workers: dict[tuple[int, ...], set[int]] = defaultdict(set)
    for worker, pool in enumerate(facts.plan.workers):
        queues = sorted(numbers[name] for name in pool.queues)
        apart = worker in asking(facts).one_by_one
        for together in [[queue] for queue in queues] if apart else [queues]:
            workers[tuple(together)].add(worker)
    return workers


def _of(facts: Facts, queues: tuple[int, ...], workers: set[int]) -> tuple[list[Wait], list[Turn]]:
    """Who waited in these queues, and what these workers were handed of them."""
    found = waiting(facts)
    waits = [wait for queue in queues for wait in found.waits.get(queue, ())]
    turns = [turn for queue in queues for turn in found.turns.get(queue, ())]
    return waits, [turn for turn in turns if turn.delivery.node in workers]


def _overtaken(facts: Facts, waits: list[Wait], turns: list[Turn]) -> dict[int, Finding]:
    """A finding for each job that waited while a less urgent one was handed out."""
    plan, found = facts.plan, dict[int, Finding]()
    begun = sorted(waits, key=seen_at)
    urgent = _Urgent(plan, begun)
    place = 0
    for turn in sorted(turns, key=_granted_after):
        after = _granted_after(turn)
        while place < len(begun) and seen_at(begun[place]) <= after:
            urgent.add(begun[place])
            place += 1
        wait = urgent.last(plan.jobs[turn.delivery.job].priority)
        if wait and wait.until >= turn.delivery.at and wait.job not in found:
            found[wait.job] = _finding(plan, wait, turn)
    return found


def _granted_after(turn: Turn) -> float:
    """The delivery was granted after it was asked for and after its job can have been ready."""
    return max(turn.delivery.since, turn.ready_at)


class _Urgent:
    """Of the waits so far, the one that lasts longest among those above a priority.

    A tree over the priorities (Fenwick's), so that many of them cost little more than few.
    """

    def __init__(self, plan: Plan, waits: list[Wait]) -> None:
        self._plan = plan
        self._levels = sorted({-plan.jobs[wait.job].priority for wait in waits})
        self._tree: list[Wait | None] = [None] * (len(self._levels) + 1)

    def add(self, wait: Wait) -> None:
        place = bisect_left(self._levels, -self._plan.jobs[wait.job].priority) + 1
        while place < len(self._tree):
            held = self._tree[place]
            if held is None or wait.until > held.until:
                self._tree[place] = wait
            place += place & -place

    def last(self, above: int) -> Wait | None:
        place, best = bisect_left(self._levels, -above), None
        while place:
            held = self._tree[place]
            if held and (best is None or held.until > best.until):
                best = held
            place -= place & -place
        return best


def _finding(plan: Plan, wait: Wait, turn: Turn) -> Finding:
    job, other, at = wait.job, turn.delivery.job, turn.delivery.at
    again = " again" if wait.after in ("retry", "lost lease") else ""
    return Finding(
        job,
        f"job {job} of priority {plan.jobs[job].priority} was ready{again} at "
        f"{seconds(wait.since)}, and waited while job {other} of priority "
        f"{plan.jobs[other].priority} was handed out at {seconds(at)}",
        (wait.row, turn.delivery.row),
        at - wait.since,
    )
