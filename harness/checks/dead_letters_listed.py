"""Dead letters listed: what was given up on can be found, and tells of its attempts.

A job that is marked as dead and in no list is lost to whoever looks for it. One that is in the
list while the queue still has it will be done twice when it is replayed. Each letter keeps what
became of its deliveries, at least of the newest ones: of each that counted and that is known, and
for each failure that was reported, its error.
"""

from __future__ import annotations

from ...backends.claims import Claim
from ..finding import Finding, Judged, judged
from ..record.facts import Facts
from ..record.history import Event
from ..sight import Needs
from ..spec.lives import Life, lives, submitted_again
from ..spec.waiting import mixed_up

TITLE = "dead letters can be found, with their attempts"
RANK = 112
NEEDS: Needs = (Event.DEAD, Event.DEAD_LISTED)
CLAIMS: tuple[Claim, ...] = ("dead_letters",)
ALWAYS = True

KEPT = 10  # attempts that a letter tells of, at least


def judge(facts: Facts) -> Judged:
    history = facts.history
    seen = history.where(Event.DEAD_LISTED)
    if not len(seen):
        return Judged("inconclusive", note="the list of dead letters was not seen")
    rows = facts.rows(Event.DEAD_LISTED).tolist()
    listed = {int(history["job"][row]): row for row in rows}
    dead = {int(history["job"][row]): row for row in facts.rows(Event.DEAD).tolist()}
    if not listed and not dead:
        return Judged("inconclusive", note="nothing lay in the dead letters")
    findings = [
        Finding(
            job,
            f"job {job} is dead, by the queue's own word, and is in no list of dead letters",
            (row,),
        )
        for job, row in dead.items()
        if job not in listed
    ]
    held = {int(history["job"][row]): row for row in facts.rows(Event.HELD).tolist()}
    findings += [
        Finding(
            job,
            f"job {job} is in the list of dead letters, while the queue still has it to hand out",
            (row, held[job]),
        )
        for job, row in listed.items()
        if job in held
    ]
    of_lives, strange = lives(facts), mixed_up(facts)
    for job in listed.keys() - strange:
        life, again = of_lives.get(job, Life()), submitted_again(facts).get(job, [])
        findings += _forgotten(facts, job, listed[job], life, again)
    return judged(findings, f"{len(listed)} dead letters in the list, {len(dead)} by inspection")


def _forgotten(
    facts: Facts, job: int, row: int, life: Life, submitted: list[float]
) -> list[Finding]:
    """Attempts that the letter does not tell of, since it was last replayed or came anew."""
    replayed = [replay.sent_at for replay in life.replays]
    since = max([*replayed, *submitted], default=float("-inf"))
    known = [d for d in life.deliveries if d.at > since and d.counts is True][-KEPT:]
    errors = sum(d.ending in ("failed", "permanent") for d in known)
    told, own = int(facts.history["value"][row]), int(facts.history["key"][row])
    events = (*(d.row for d in known), row)
    if told < len(known):
        sentence = f"the dead letter of job {job} tells of {told} attempts, {len(known)} are known"
        return [Finding(job, sentence, events)]
    if own < errors:
        sentence = (
            f"job {job} reported an error {errors} times, and its dead letter tells of it in "
            f"{own} of its attempts"
        )
        return [Finding(job, sentence, events)]
    return []
