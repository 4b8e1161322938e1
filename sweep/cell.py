"""One cell: a boundary broken in one way, run from a fresh state and judged from its ledger.

What leaping time shows to be violated is repeated in real time (:mod:`..harness.confirm`).
"""

from __future__ import annotations

import time as clock
from collections import Counter
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
from ..harness.record.facts import Facts
from ..harness.record.history import Event
from ..harness.record.story import tell
from ..harness.result import Confirmation
from ..harness.run import Run, run
from ..harness.run_folder import folder_name, save
from ..harness.units import seconds
from .boundaries import Boundary
from .clean import queue_of
from .effects import Difference, Effect, differences, effects
from .judging import (
    PLAIN,
    SOUND,
    by_effects,
    done_s,
    due_s,
    outcome_of,
    sentence,
    told,
    waited_s,
)
from .outcome import LOOKS, Gravity, Outcome
from .plans import REAL_PATIENCE_S, cell_plan
from .ways import way


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
    behind: Sequence[str] = (),
    confirm_s: float = CONFIRM_S,
    histories: Path | None = None,
) -> Cell:
    """Run that cell; an environment that fails it makes it ``unproved``, with the reason.

    ``clean`` are the effects of an unbroken job, ``behind`` those of one behind it. What leaping
    time shows to be violated is repeated in real time unless that takes longer than ``confirm_s``,
    waiting for less where it had waited in vain; where it vanishes, the runs are kept in a folder
    below ``histories``.
    """
    begun_s = clock.monotonic()
    recovery_s = system.library.recovery(system.looked).seconds
    fault, variant = way(name).fault(boundary), name.replace(" ", "-")
    wanted = Wanted(tuple(clean), Counter(behind))
    waits_s = waits_s if boundary.side == "worker" else 0.0

    def once(time: Time | None, waits_s: float) -> Ran:
        record = Record()
        plan = cell_plan(queue_of(system), variant, fault, recovery_s, waits_s)
        done = run(plan, system, "process", time=time, record=record)
        settled = Facts(plan, done.claims, done.history).quiet_at is not None
        return Ran(done, settled, _judged(done, boundary, name, wanted, effects(record.trips)))

    try:
        found = once(time, waits_s)
        real_s = waits_s if found.settled else min(waits_s, REAL_PATIENCE_S)
        spared_s = waits_s - real_s
        cell = confirmed(found, lambda: once("real", real_s), spared_s, confirm_s, histories)
    except EnvironmentFault as error:
        cell = Cell(boundary.key, name, "unproved", sentence=str(error))
    return replace(cell, real_s=round(clock.monotonic() - begun_s, 3))


class Wanted(NamedTuple):
    """The effects of an unbroken job, and of the one behind it, how often each."""

    clean: tuple[str, ...]
    behind: Counter[str]


class Ran(NamedTuple):
    """A run, whether it ended before its deadline, and the cell that it shows."""

    run: Run
    settled: bool
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


def _judged(done: Run, boundary: Boundary, name: str, wanted: Wanted, found: list[Effect]) -> Cell:
    facts = Facts(done.plan, done.claims, done.history)
    outcome, behind = _outcome(facts), PLAIN[facts.outcome(1)]
    # Where the job behind is not done as it should be, nobody knows whose an effect was.
    sound = behind in ("done", "untold")
    differs = differences(wanted.clean, found, wanted.behind) if sound else ()
    outcome = by_effects(outcome, differs, judged=sound and bool(wanted.clean))
    where = done.result.where.get(0, "")
    return Cell(
        boundary=boundary.key,
        way=name,
        outcome=outcome,
        behind=behind,
        sentence=_sentence(facts, outcome, behind, where) + told(outcome, differs, wanted.clean),
        story=tuple(tell(facts, 0)),
        where=where,
        logged=done.result.logged.get(0, ()),
        done_s=done_s(facts, 0),
        due_s=due_s(facts, 0),
        effects=differs,
        replay=done.result.replay_command,
    )


def _outcome(facts: Facts) -> Outcome:
    if not len(facts.rows(Event.FAULT_STRUCK)):
        return "not hit"
    found = outcome_of(facts, 0)
    return "blocked" if found in SOUND and PLAIN[facts.outcome(1)] not in SOUND else found


def _sentence(facts: Facts, outcome: Outcome, behind: Outcome, where: str) -> str:
    if outcome == "not hit":
        return "the round trip never came, so nothing was broken"
    words = sentence(facts, 0, outcome, where)
    waited = f"{seconds(waited_s(facts))} after the fault was over"
    if outcome == "blocked":
        return f"{words}, but the job behind it is {behind} {waited}"
    if outcome in ("stuck", "lost", "held") and behind not in SOUND:
        words += f"; and the job behind it is {behind}"
    return words
