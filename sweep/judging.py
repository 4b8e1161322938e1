"""What became of one job of a run in which round trips were broken, in a word and in a sentence.

A cell of a sweep asks it of the job that was struck, exploration of each job.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..harness.record import facts as recorded
from ..harness.record.facts import Facts
from ..harness.record.history import Event
from ..harness.record.story import tell_loss
from ..harness.units import seconds
from .effects import Difference
from .outcome import Outcome

PLAIN: dict[recorded.Outcome, Outcome] = {
    "done": "done",
    "duplicated": "run again",
    "run again": "run again",
    "dead-lettered": "dead letter",
    "failed": "failed",
    "stuck": "stuck",
    "lost": "lost",
    "phantom": "phantom",
    "unknown": "not accepted",
    "refused": "not accepted",
    "never submitted": "not accepted",
    "absorbed": "done",
    "recovered": "done",
    "recoverable": "stuck",  # it was, until somebody came who is not of the plan
}
RETURNED: tuple[Outcome, ...] = ("done", "untold", "run again")
SOUND: tuple[Outcome, ...] = (
    "done",
    "run again",
    "untold",
    "not accepted",
    "dead letter",
    "failed",
)


def outcome_of(facts: Facts, job: int) -> Outcome:
    """What became of that job, whatever became of the others."""
    if facts.untold[job]:
        return "unproved"
    found = PLAIN[facts.outcome(job)]
    if found == "stuck" and due_s(facts, job) is not None and waited_s(facts) < facts.plan.lease_s:
        return "held"
    if found == "done" and not facts.accepted[job]:
        return "untold"
    return found


def by_effects(outcome: Outcome, differs: Sequence[Difference], judged: bool = False) -> Outcome:
    """The outcome, or that an effect was repeated or is missing, where that is worse.

    ``judged``: an unbroken job has effects, and whose they were is known here. Then a job that was
    lost when it had had them all was cut short.
    """
    missing = any(one.missing for one in differs)
    if outcome == "lost" and judged and not missing:
        outcome = "cut short"
    if outcome in RETURNED and missing:
        return "missing"
    if outcome in (*SOUND, "cut short") and any(
        one.repeated and not one.harmless for one in differs
    ):
        return "repeated"
    return outcome


def told(outcome: Outcome, differs: Sequence[Difference], clean: Sequence[str]) -> str:
    """What was carried out too often, or, of a job that did anything, too seldom."""
    if outcome not in (*RETURNED, "missing") and len(differs) == len(set(clean)):
        differs = [one for one in differs if one.times]  # it never began
    words = []
    for one in differs:
        times = f"{one.name} was carried out {one.times} times instead of {one.wanted}"
        if one.repeated:
            times += f" ({one.harmless or one.lacks})"
        words.append(times)
    return "".join(f"; {each}" for each in words)


def sentence(facts: Facts, job: int, outcome: Outcome, where: str) -> str:
    """What became of that job, of which the library says that it lies there (``where``)."""
    first_s, comes_s = done_s(facts, job), due_s(facts, job)
    held = f" by {where}" if where else ""
    waited = f"{seconds(waited_s(facts))} after the fault was over"
    done = f"done {seconds(first_s)} after it was sent" if first_s is not None else "never done"
    match outcome:
        case "done" | "not accepted" | "repeated" | "missing" | "blocked":
            return done
        case "untold":
            return f"{done}; its producer was never told that it was accepted"
        case "run again":
            times = sum(facts.history["job"][facts.rows(facts.completion)] == job)
            return f"its function ran to its end {times} times, the first time {done[5:]}"
        case "dead letter":
            words = f"{done}, and yet given up" if first_s is not None else "given up"
            return words + (f": {where}" if where else "")
        case "held" if comes_s is not None:
            return f"still held{held} {waited}; it comes back by itself {seconds(comes_s)} later"
        case "stuck" if facts.poked[job]:
            return f"still held {waited}, until a fresh worker was started, which did it"
        case "stuck":
            return f"still held{held} {waited}"
        case "lost" | "cut short":
            return tell_loss(facts, job)
        case _:
            return where or outcome


def waited_s(facts: Facts) -> float:
    return max(0.0, facts.ended_at - facts.healed_at)


def due_s(facts: Facts, job: int) -> float | None:
    """In how long what holds the job at the end gives it back by itself, if it does."""
    rows = [row for row in facts.rows(Event.DUE) if facts.history["job"][row] == job]
    return float(facts.history["value"][rows[-1]]) if rows else None


def done_s(facts: Facts, job: int) -> float | None:
    """How long after it was sent the job was first done."""
    rows = [row for row in facts.rows(facts.completion) if facts.history["job"][row] == job]
    if not rows:
        return None
    return round(float(facts.history["t"][rows[0]] - facts.sent_at[job]), 3)
