"""One cell of the board: a shop in a configuration, struck in one way, several times over.

What leaping time shows to be violated is repeated in real time, once for each cell, where that does
not take too long (:mod:`..harness.confirm`).
"""

from __future__ import annotations

import time as clock
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from msgspec import Struct

from ..backends.system import Time
from ..environments.cache import environment
from ..errors import EnvironmentFault, NothingProved
from ..frameworks.app import look
from ..frameworks.shop import app_of, shops, worker_of
from ..frameworks.sign import sign
from ..frameworks.system import AppSystem
from ..harness.confirm import run_and_confirm
from ..harness.record.facts import Facts, Outcome
from ..harness.record.history import Event
from ..harness.record.holders import held_by_queue
from .columns import column, plan_of

UNPROVED, HELD, IN_HAND = "unproved", "held", "in hand"
BACK = ("recovered", "run again", "recoverable")
OF_DEATHS = "worker-kill-before-ack"  # the scenario that a finding of the doctor names
# The gravest first: what is told of a run in which jobs met several fates. What was never accepted
# comes last, since the library never had it.
ORDER: tuple[Outcome, ...] = (
    "phantom", "lost", "stuck", "duplicated", "failed", "dead-lettered", "recoverable", "run again",
    "recovered", "absorbed", "done", "unknown", "refused", "never submitted",
)  # fmt: skip


OUTCOMES = (*ORDER, IN_HAND, HELD, UNPROVED)


class Ran(Struct, frozen=True):
    """One of a cell's runs: the gravest of its jobs' fates, and how the run was judged.

    ``recovery_s``: the longest that a job waited in the library's own seconds until it was begun
    again. ``confirmed``: what real time said of a violation.
    """

    outcome: str
    verdict: str
    outcomes: dict[str, int]
    sentence: str
    where: str = ""
    recovery_s: float | None = None
    confirmed: str = ""
    replay: str = ""


class Cell(Struct, frozen=True):
    """What one cell showed. ``decides``: which setting or rule of the library made it so."""

    shop: str
    configuration: str
    column: str
    library: str
    seed: int
    runs: tuple[Ran, ...]
    decides: str = ""
    real_s: float = 0.0

    @property
    def key(self) -> tuple[str, str, str]:
        return self.shop, self.configuration, self.column

    @property
    def outcomes(self) -> Counter[str]:
        """How many runs came to each outcome, the gravest first."""
        return Counter(sorted((ran.outcome for ran in self.runs), key=OUTCOMES.index))

    @property
    def recoveries_s(self) -> list[float]:
        return sorted(ran.recovery_s for ran in self.runs if ran.recovery_s is not None)

    @property
    def command(self) -> str:
        """What to type to run it again."""
        only = f"{self.shop}/{self.configuration}/{self.column}"
        return f'jobquake matrix --only "{only}" --seed {self.seed} --times {len(self.runs)}'


def system_of(name: str, configuration: str) -> AppSystem:
    """That shop in that configuration. Raises :class:`JobquakeError` about its environment."""
    library, shop = shops()[name]
    app = app_of(library, shop, configuration, str(environment(*sign(library).pins)))
    found, looked = look(app)
    if words := worker_of(shop, configuration, found, looked, app):
        app = replace(app, worker=words)
        found, looked = look(app)
    return AppSystem(app, found, looked)


def run_cell(
    shop: str,
    configuration: str,
    name: str,
    seed: int,
    times: int,
    time: Time | None,
    confirm_s: float,
) -> Cell:
    """Run it so often, with the seed and those that follow it."""
    begun_s = clock.monotonic()
    system = system_of(shop, configuration)
    runs = list[Ran]()
    for number in range(times):
        found_before = any(ran.confirmed for ran in runs)
        runs.append(_ran(system, name, seed + number, time, 0.0 if found_before else confirm_s))
    return Cell(
        shop,
        configuration,
        name,
        f"{system.library.title} {system.looked.version}",
        seed,
        tuple(runs),
        _decides(system, name, runs),
        clock.monotonic() - begun_s,
    )


def _ran(system: AppSystem, name: str, seed: int, time: Time | None, confirm_s: float) -> Ran:
    chosen = column(name)
    if chosen.drains_s > confirm_s:
        confirm_s = 0.0  # in real time it would wait for longer than that
    try:
        done = run_and_confirm(
            plan_of(chosen, seed, system), system, time=time, confirm_s=confirm_s
        )
    except (EnvironmentFault, NothingProved) as error:
        return Ran(UNPROVED, "inconclusive", {}, str(error))
    result = done.result
    outcomes: dict[str, int] = {one: result.outcomes[one] for one in ORDER if result.outcomes[one]}
    gravest = next(iter(outcomes), UNPROVED)
    where = next((fate.detail for fate in result.fates if fate.outcome == gravest), "")
    facts = Facts(done.plan, done.claims, done.history)
    if gravest == "stuck" and not held_by_queue(facts).any():
        gravest = IN_HAND
    elif gravest == "stuck":
        gravest = HELD if _comes_back(facts) else "recoverable" if _came(facts) else gravest
    said = result.confirmation
    return Ran(
        UNPROVED if result.vanished else gravest,
        result.verdict,
        outcomes,
        result.sentence,
        where,
        _recovery_s(facts),
        said.outcome if said else "",
        result.replay,
    )


def _comes_back(facts: Facts) -> bool:
    """Whether all that is held at the end is given back by itself, later than the run waited."""
    due = facts.history["job"][facts.rows(Event.DUE)].tolist()
    held = set(np.flatnonzero(facts.held).tolist())
    return bool(held) and held <= set(due)


def _came(facts: Facts) -> bool:
    """Whether all that was held ran to its end when somebody came, though it had done so before."""
    returned, poked = facts.rows(Event.RETURNED), facts.history.where(Event.POKED)
    if not len(poked):
        return False
    later = facts.history["job"][returned[returned > poked[0]]].tolist()
    return set(np.flatnonzero(facts.held).tolist()) <= set(later)


def _recovery_s(facts: Facts) -> float | None:
    """The longest that a job waited for its next begin when whoever had it was dead."""
    waits = facts.recovered_s
    return None if np.isnan(waits).all() else float(np.nanmax(waits))


def _decides(system: AppSystem, name: str, runs: Sequence[Ran]) -> str:
    """Of a death: the rule by which the library brings back, or the setting for which it does not.

    Else what is told of the job.
    """
    if not column(name).by_death:
        return next((ran.where for ran in runs if ran.where), "")
    if all(ran.outcome in ("done", UNPROVED) for ran in runs):
        return ""
    if any(ran.outcome in BACK for ran in runs):
        return system.library.recovery(system.looked).why
    found = system.library.examine(system.looked)
    return next((one.setting for one in found if one.scenario.startswith(OF_DEATHS)), "")
