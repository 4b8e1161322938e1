"""Order kept: of equally urgent jobs of a queue, the one that was ready first goes first.

Judged where both are certain: one job surely was ready before the other was enqueued, and still
waited when the other had been handed out. Whoever was ready again after a failure is as old as
that: nobody need remember where in the line it stood before.
"""

from __future__ import annotations

from ...backends.claims import Claim
from ..finding import Finding, Judged, judged, not_judged
from ..record.facts import Facts
from ..record.history import Event
from ..sight import Needs
from ..spec.waiting import Turn, Wait, seen_at, time_is_certain, waiting
from ..units import seconds

TITLE = "equally urgent jobs keep their order"
RANK = 79
NEEDS: Needs = (Event.LEASED, Event.ENQUEUE_ANSWERED, Event.NOTHING_TO_DO)
NEEDS_TIME = True
CLAIMS: tuple[Claim, ...] = ("ordered", "prompt")
ALWAYS = True


def judge(facts: Facts) -> Judged:
    if not time_is_certain(facts):
        return not_judged("a clock was wrong that the queue may go by")
    found, turns, findings = waiting(facts), 0, list[Finding]()
    for queue, of_queue in found.turns.items():
        if len({turn.delivery.job for turn in of_queue}) > 1:
            turns += len(of_queue)
            findings += _overtaken(facts, found.waits.get(queue, []), of_queue)
    if not turns:
        return Judged("inconclusive", note="of no queue were several jobs handed out")
    return judged(findings, f"{turns} deliveries, {len(findings)} out of order")


def _overtaken(facts: Facts, waits: list[Wait], turns: list[Turn]) -> list[Finding]:
    """For each job that was handed out too early: the one that waited the longest meanwhile."""
    jobs, sent_at, step_s = facts.plan.jobs, facts.sent_at, facts.claims.timer_s
    begun = sorted(waits, key=seen_at)
    longest, found, place = dict[int, Wait](), dict[int, Finding](), 0
    for turn in sorted(turns, key=lambda turn: float(sent_at[turn.delivery.job])):
        came_at = float(sent_at[turn.delivery.job])
        while place < len(begun) and seen_at(begun[place]) + step_s < came_at:
            wait, place = begun[place], place + 1
            before = longest.get(jobs[wait.job].priority)
            if before is None or wait.until > before.until:
                longest[jobs[wait.job].priority] = wait
        first = longest.get(jobs[turn.delivery.job].priority)
        if first and first.until >= turn.delivery.at and first.job not in found:
            found[first.job] = _finding(first, turn, came_at)
    return list(found.values())


def _finding(wait: Wait, turn: Turn, came_at: float) -> Finding:
    job, other, at = wait.job, turn.delivery.job, turn.delivery.at
    return Finding(
        job,
        f"job {job} was ready at {seconds(wait.since)}, before job {other} of the same queue was "
        f"enqueued at {seconds(came_at)}, and waited while that was handed out at {seconds(at)}",
        (wait.row, turn.delivery.row),
        at - wait.since,
    )
