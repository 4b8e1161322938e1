"""One cell: a boundary broken in one way, run from a fresh state and judged from its ledger.

What leaping time shows to be violated is repeated in real time (:mod:`..harness.confirm`).
"""

from __future__ import annotations

import time as clock
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from ..backends.system import Time
from ..errors import EnvironmentFault
from ..frameworks.system import AppSystem
from ..harness.confirm import CONFIRM_S, VANISHED, Said, leapt, repeated, told_of
from ..harness.drivers.trips import Record
from ..harness.record import facts as recorded
from ..harness.record.facts import Facts
from ..harness.record.history import Event
from ..harness.record.story import tell, tell_loss
from ..harness.result import Confirmation
from ..harness.run import Run, run
from ..harness.run_folder import folder_name, save
from ..harness.units import seconds
from .boundaries import Boundary
from .clean import queue_of
from .effects import Difference, Effect, differences, effects
from .outcome import LOOKS, Gravity, Outcome
from .plans import REAL_PATIENCE_S, cell_plan
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


class Cell(Struct, frozen=True):
    """What one cell showed.

    ``behind`` is what became of the job behind the one that was struck. ``done_s``: how long
    after it was sent the struck job was first done; ``due_s``: in how long what holds it at the
    end gives it back. ``logged`` is what its node wrote to its log after the strike. ``real_s``
    is how long the run took, with what was repeated. ``confirmation``: of what leaping time showed
    to be violated, whether real time shows it; if it does not, the cell is ``unproved``.
    """

    boundary: str
    way: str
    outcome: Outcome
    behind: str = ""
    sentence: str = ""
    story: tuple[str, ...] = ()
    where: str = ""
    logged: tuple[str, ...] = ()
    done_s: float | None = None
    due_s: float | None = None
    effects: tuple[Difference, ...] = ()
    replay: str = ""
    real_s: float = 0.0
    confirmation: Confirmation | None = None

    @property
    def gravity(self) -> Gravity:
        return LOOKS[self.outcome].gravity

    @property
    def key(self) -> tuple[str, str]:
        return self.boundary, self.way


def run_cell(
    system: AppSystem,
    boundary: Boundary,
    name: str,
    waits_s: float,
    time: Time | None = None,
    clean: Sequence[str] = (),
    confirm_s: float = CONFIRM_S,
    histories: Path | None = None,
) -> Cell:
    """Run that cell; an environment that fails it makes it ``unproved``, with the reason.

    ``clean`` are the effects of an unbroken job. What leaping time shows to be violated is repeated
    in real time, where it waits for less, unless that takes longer than ``confirm_s``; where it
    vanishes, the runs are kept in a folder below ``histories``.
    """
    begun_s = clock.monotonic()
    recovery_s = system.library.recovery(system.looked).seconds
    fault, variant = way(name).fault(boundary), name.replace(" ", "-")
    waits_s = waits_s if boundary.side == "worker" else 0.0

    def once(time: Time | None, waits_s: float) -> Ran:
        record = Record()
        plan = cell_plan(queue_of(system), variant, fault, recovery_s, waits_s)
        done = run(plan, system, "process", time=time, record=record)
        return Ran(done, _judged(done, boundary, name, clean, effects(record.trips)))

    real_s = min(waits_s, REAL_PATIENCE_S)
    try:
        found = once(time, waits_s)
        spared_s = waits_s - real_s
        cell = confirmed(found, lambda: once("real", real_s), spared_s, confirm_s, histories)
    except EnvironmentFault as error:
        cell = Cell(boundary.key, name, "unproved", sentence=str(error))
    return replace(cell, real_s=round(clock.monotonic() - begun_s, 3))


class Ran(NamedTuple):
    """A run, and the cell that it shows."""

    run: Run
    cell: Cell

    @property
    def said(self) -> Said:
        cell = self.cell
        broken = {cell.outcome} if cell.gravity == "violated" else set[str]()
        verdict = cell.gravity if cell.gravity == "inconclusive" else cell.outcome
        return Said(broken, verdict, cell.sentence, self.run.result.duration_s)


def confirmed(
    found: Ran,
    again: Callable[[], Ran],
    spared_s: float = 0.0,
    limit_s: float = CONFIRM_S,
    histories: Path | None = None,
) -> Cell:
    """The cell, and whether real time shows the same, if it accuses somebody by leaping time.

    ``spared_s``: by how much ``again``, which runs it in real time, is shorter.
    """
    cell, said = found.cell, found.said
    if not said.broken or not leapt(found.run.result):
        return cell
    shorter = said._replace(lasted_s=max(0.0, said.lasted_s - spared_s))
    confirmation, repeats = repeated(shorter, again, lambda ran: ran.said, limit_s=limit_s)
    cell = replace(cell, confirmation=confirmation)
    if confirmation.outcome != "vanished":
        return cell
    if histories:
        runs = [repeat.run for repeat in repeats]
        save(told_of(found.run, confirmation, runs), histories / folder_name(*cell.key))
    return replace(cell, outcome="unproved", sentence=f"{VANISHED}: {cell.sentence}")


def _judged(
    done: Run, boundary: Boundary, name: str, clean: Sequence[str], found: list[Effect]
) -> Cell:
    facts = Facts(done.plan, done.claims, done.history)
    outcome, behind = _outcome(facts), PLAIN[facts.outcome(1)]
    # Where the job behind is not done as it should be, nobody knows whose an effect was.
    differs = differences(clean, found, 1) if behind in ("done", "untold") else ()
    outcome = _by_effects(outcome, differs)
    done_s, due_s = _done_s(facts), _due_s(facts)
    where = done.result.where.get(0, "")
    return Cell(
        boundary=boundary.key,
        way=name,
        outcome=outcome,
        behind=behind,
        sentence=_sentence(facts, outcome, behind, where) + _told(outcome, differs, clean),
        story=tuple(tell(facts, 0)),
        where=where,
        logged=done.result.logged.get(0, ()),
        done_s=done_s,
        due_s=due_s,
        effects=differs,
        replay=done.result.replay_command,
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


def _by_effects(outcome: Outcome, differs: Sequence[Difference]) -> Outcome:
    """The outcome, or that an effect was repeated or is missing, where that is worse."""
    if outcome in RETURNED and any(one.missing for one in differs):
        return "missing"
    if outcome in SOUND and any(one.repeated and not one.harmless for one in differs):
        return "repeated"
    return outcome


def _told(outcome: Outcome, differs: Sequence[Difference], clean: Sequence[str]) -> str:
    """What was carried out too often, or, of a job that did anything, too seldom."""
    if outcome not in (*RETURNED, "missing") and len(differs) == len(set(clean)):
        differs = [one for one in differs if one.times]  # it never began
    words = []
    for one in differs:
        times = f"{one.name} was carried out {one.times} times instead of {one.wanted}"
        if one.repeated:
            times += f" ({one.harmless or 'nothing in it tells that it comes again'})"
        words.append(times)
    return "".join(f"; {each}" for each in words)


def _sentence(facts: Facts, outcome: Outcome, behind: Outcome, where: str) -> str:
    done_s, due_s = _done_s(facts), _due_s(facts)
    held = f" by {where}" if where else ""
    waited = f"{seconds(_waited_s(facts))} after the fault was over"
    done = f"done {seconds(done_s)} after it was sent" if done_s is not None else "never done"
    match outcome:
        case "done" | "not accepted" | "repeated" | "missing":
            words = done
        case "untold":
            words = f"{done}; its producer was never told that it was accepted"
        case "run again":
            times = sum(facts.history["job"][facts.rows(facts.completion)] == 0)
            words = f"its function ran to its end {times} times, the first time {done[5:]}"
        case "dead letter":
            words = f"{done}, and yet given up" if done_s is not None else "given up"
            words += f": {where}" if where else ""
        case "held" if due_s is not None:
            words = f"still held{held} {waited}; it comes back by itself {seconds(due_s)} later"
        case "stuck" if facts.poked[0]:
            words = f"still held {waited}, until a fresh worker was started, which did it"
        case "stuck":
            words = f"still held{held} {waited}"
        case "lost":
            words = tell_loss(facts, 0)
        case "blocked":
            words = f"{done}, but the job behind it is {behind} {waited}"
        case "not hit":
            words = "the round trip never came, so nothing was broken"
        case _:
            words = where or outcome
    if outcome in ("stuck", "lost", "held") and behind not in SOUND:
        words += f"; and the job behind it is {behind}"
    return words


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
