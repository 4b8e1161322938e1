"""One cell: a boundary broken in one way, run from a fresh state and judged from its ledger."""

from __future__ import annotations

import time as clock

from msgspec import Struct

from ..backends.system import Time
from ..errors import EnvironmentFault
from ..frameworks.system import AppSystem
from ..harness.record import facts as recorded
from ..harness.record.facts import Facts
from ..harness.record.history import Event
from ..harness.record.story import tell, tell_loss
from ..harness.run import Run, run
from ..harness.units import seconds
from .boundaries import Boundary
from .clean import queue_of
from .outcome import Outcome
from .plans import cell_plan
from .ways import way

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
}
SOUND: tuple[Outcome, ...] = (
    "done",
    "run again",
    "untold",
    "not accepted",
    "dead letter",
    "failed",
)


class Cell(Struct, frozen=True):
    """What one cell showed.

    ``behind`` is what became of the job behind the one that was struck. ``done_s``: how long after
    it was sent the struck job was first done; ``due_s``: in how long what holds it at the end gives
    it back. ``real_s`` is how long the run took.
    """

    boundary: str
    way: str
    outcome: Outcome
    behind: str = ""
    sentence: str = ""
    story: tuple[str, ...] = ()
    where: str = ""
    done_s: float | None = None
    due_s: float | None = None
    replay: str = ""
    real_s: float = 0.0

    @property
    def key(self) -> tuple[str, str]:
        return self.boundary, self.way


def run_cell(
    system: AppSystem, boundary: Boundary, name: str, waits_s: float, time: Time | None = None
) -> Cell:
    """Run that cell; an environment that fails it makes it ``unproved``, with the reason."""
    begun_s = clock.monotonic()
    recovery_s = system.library.recovery(system.looked).seconds
    fault = way(name).fault(boundary)
    waits_s = waits_s if boundary.side == "worker" else 0.0
    variant = f"{name.replace(' ', '-')}"
    plan = cell_plan(queue_of(system), variant, fault, recovery_s, waits_s)
    try:
        done = run(plan, system, "process", time=time)
    except EnvironmentFault as error:
        real_s = clock.monotonic() - begun_s
        return Cell(boundary.key, name, "unproved", sentence=str(error), real_s=real_s)
    return _judged(done, boundary, name, clock.monotonic() - begun_s)


def _judged(done: Run, boundary: Boundary, name: str, real_s: float) -> Cell:
    facts = Facts(done.plan, done.claims, done.history)
    outcome, behind = _outcome(facts), PLAIN[facts.outcome(1)]
    done_s, due_s = _done_s(facts), _due_s(facts)
    where = done.result.where.get(0, "")
    return Cell(
        boundary=boundary.key,
        way=name,
        outcome=outcome,
        behind=behind,
        sentence=_sentence(facts, outcome, behind, where),
        story=tuple(tell(facts, 0)),
        where=where,
        done_s=done_s,
        due_s=due_s,
        replay=done.result.replay_command,
        real_s=round(real_s, 3),
    )


def _outcome(facts: Facts) -> Outcome:
    if not len(facts.rows(Event.FAULT_STRUCK)):
        return "not hit"
    if facts.untold[0]:
        return "unproved"
    found = PLAIN[facts.outcome(0)]
    if found == "stuck" and _due_s(facts) is not None and _waited_s(facts) < facts.plan.lease_s:
        return "held"
    if found == "done" and not facts.accepted[0]:
        found = "untold"
    if found in SOUND and PLAIN[facts.outcome(1)] not in SOUND:
        return "blocked"
    return found


def _sentence(facts: Facts, outcome: Outcome, behind: Outcome, where: str) -> str:
    done_s, due_s = _done_s(facts), _due_s(facts)
    held = f" by {where}" if where else ""
    waited = f"{seconds(_waited_s(facts))} after the fault was over"
    done = f"done {seconds(done_s)} after it was sent" if done_s is not None else "never done"
    match outcome:
        case "done" | "not accepted":
            told = done
        case "untold":
            told = f"{done}; its producer was never told that it was accepted"
        case "run again":
            times = sum(facts.history["job"][facts.rows(facts.completion)] == 0)
            told = f"its function ran to its end {times} times, the first time {done[5:]}"
        case "dead letter":
            told = f"{done}, and yet given up" if done_s is not None else "given up"
            told += f": {where}" if where else ""
        case "held" if due_s is not None:
            told = f"still held{held} {waited}; it comes back by itself {seconds(due_s)} later"
        case "stuck":
            told = f"still held{held} {waited}"
        case "lost":
            told = tell_loss(facts, 0)
        case "blocked":
            told = f"{done}, but the job behind it is {behind} {waited}"
        case "not hit":
            told = "the round trip never came, so nothing was broken"
        case _:
            told = where or outcome
    if outcome in ("stuck", "lost", "held") and behind not in SOUND:
        told += f"; and the job behind it is {behind}"
    return told


def _waited_s(facts: Facts) -> float:
    return max(0.0, facts.ended_at - facts.healed_at)


def _due_s(facts: Facts) -> float | None:
    """In how long what holds the struck job at the end gives it back by itself, if it does."""
    rows = [row for row in facts.rows(Event.DUE) if facts.history["job"][row] == 0]
    return float(facts.history["value"][rows[-1]]) if rows else None


def _done_s(facts: Facts) -> float | None:
    """How long after it was sent the struck job was first done."""
    rows = [row for row in facts.rows(facts.completion) if facts.history["job"][row] == 0]
    if not rows:
        return None
    return round(float(facts.history["t"][rows[0]] - facts.sent_at[0]), 3)
