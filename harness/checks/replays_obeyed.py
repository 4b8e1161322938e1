"""Replays obeyed: a dead letter that an operator replays runs again, and no more than was asked.

What the queue said it replayed must be handed out again, or be on its way; what it would not
replay must be no dead letter. An operator who asks for some of the letters is shown no more.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...backends.claims import Claim
from ..finding import Finding, Judged, judged
from ..plan.plan import ReplayDead
from ..record.facts import Facts
from ..record.history import Answer, Event
from ..sight import Needs
from ..spec.asking import asking, shortest_s
from ..spec.lives import Life, Replayed, lives
from ..spec.waiting import mixed_up
from ..units import seconds

TITLE = "a replayed dead letter runs again"
RANK = 105
NEEDS: Needs = (Event.LEASED, Event.REPLAY_SENT, Event.DEAD, Event.NOTHING_TO_DO)
CLAIMS: tuple[Claim, ...] = ("dead_letters",)
ALWAYS = True


def judge(facts: Facts) -> Judged:
    asked = facts.rows(Event.REPLAY_SENT).tolist()
    if not asked:
        return Judged("inconclusive", note="nothing was replayed")
    findings, strange = _beyond_the_limit(facts, asked), mixed_up(facts)
    for job, life in lives(facts).items():
        if life.replays and job not in strange and facts.dead[job]:
            findings += _still_dead(facts, job, life)
    return judged(findings, f"{len(asked)} dead letters replayed, {len(findings)} against the wish")


def _still_dead(facts: Facts, job: int, life: Life) -> Iterator[Finding]:
    """Replays of a job that has not been handed out since, and lies in the dead letters."""
    if facts.effects[job]:
        return  # somebody else has done its work
    last = life.replays[-1]
    astray = asking(facts).astray[facts.plan.jobs[job].queue]
    unseen = astray.between(last.sent_at, facts.ended_at - shortest_s(facts, job))
    if unseen or any(delivery.at > last.sent_at for delivery in life.deliveries):
        return
    dead = tuple(r for r in facts.rows(Event.DEAD).tolist() if facts.history["job"][r] == job)
    events = (last.row, *([last.end] if last.end >= 0 else []), *dead)
    if last.answer == Answer.OK:
        yield Finding(
            job,
            f"the replay of job {job}, asked for at {seconds(last.sent_at)}, was accepted, and "
            "the job still lies in the dead letters and never ran again",
            events,
        )
    elif last.answer == Answer.FAILED and all(_plainly_refused(r) for r in life.replays[:-1]):
        yield Finding(
            job,
            f"the replay of job {job}, asked for at {seconds(last.sent_at)}, was refused, though "
            "the job lay in the dead letters and still does",
            events,
        )


def _plainly_refused(replay: Replayed) -> bool:
    """Whether nothing can have come of it, not even later."""
    return replay.answer == Answer.FAILED


def _beyond_the_limit(facts: Facts, asked: list[int]) -> list[Finding]:
    """What was replayed although the operator had asked for fewer, or for other queues."""
    plan, history = facts.plan, facts.history
    replays = [action for action in plan.actions if isinstance(action, ReplayDead)]
    actions = sorted(replays, key=lambda action: action.at_s)
    findings = []
    for count, row in enumerate(asked, 1):
        at, job = float(history["t"][row]), int(history["job"][row])
        begun = [action for action in actions if action.at_s <= at]
        most = sum(action.at_most for action in begun)
        if count > most:
            sentence = (
                f"{count} dead letters had been listed for replays by {seconds(at)}, job {job} "
                f"among them; the operator had asked for {most} at most"
            )
            findings.append(Finding(job, sentence, (row,)))
        name = plan.queues[plan.jobs[job].queue].name
        if all(action.queue not in (None, name) for action in begun):
            sentence = (
                f"job {job} of queue {name!r} was listed for a replay at {seconds(at)}; the "
                "operator had asked for those of other queues"
            )
            findings.append(Finding(job, sentence, (row,)))
    return findings
