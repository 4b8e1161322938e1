"""The clean run: one job from an idle worker to an idle worker, every round trip seen."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from typing import NamedTuple

import msgspec

from ..backends.system import Time
from ..blame import blaming
from ..errors import NothingProved
from ..frameworks.system import AppSystem
from ..harness.drivers.execution import Execution
from ..harness.drivers.framework import shake_framework
from ..harness.drivers.pace_of import can_leap
from ..harness.drivers.trips import Record
from ..harness.plan.plan import Plan
from ..harness.record.facts import Facts
from .boundaries import Boundary, boundaries, idle_names
from .effects import effects
from .plans import REAL_PATIENCE_S, clean_plan, control_plan

SECRET = ("broker_url", "result_backend")  # there may be a password in it


class Clean(NamedTuple):
    """What the clean run showed: boundaries in order of time, how many other trips, how time went.

    ``done_s`` is how long after it was sent the job was done, ``effects`` what it did to services,
    and ``behind`` what a second job does that comes behind it.
    ``idle``: the names of what workers say while nobody has sent a job.
    """

    boundaries: list[Boundary]
    others: int
    done_s: float
    time: str
    network: str
    effects: tuple[str, ...] = ()
    behind: tuple[str, ...] = ()
    idle: frozenset[str] = frozenset()


def clean_run(system: AppSystem, time: Time | None = None) -> Clean:
    """Run the app's task once. Raises :class:`NothingProved` if it was not done once."""
    plan, record = clean_plan(queue_of(system)), Record()
    execution, facts = _shaken(plan, system, time, record)
    if (outcome := facts.outcome(0)) != "done" or facts.quiet_at is None:
        raise NothingProved(
            f"expected {system.task} to be done once when nothing is broken, found that it is "
            f"{outcome}; a sweep tells only what differs from a clean run, so mend that first, or "
            "name its arguments with --args"
        )
    began_s, sent_s, trips = record.began_s, float(facts.sent_at[0]), record.trips
    found = boundaries(trips, 0, began_s, began_s + sent_s, began_s + facts.quiet_at)
    if not any(boundary.side == "worker" for boundary in found):
        raise NothingProved(
            f"expected round trips between worker and broker, found none among {len(trips)}; "
            "is its broker reached without a network?"
        )
    done_s = float(execution.history["t"][facts.rows(facts.completion)[0]]) - sent_s
    others = len(trips) - len(found)
    done = tuple(effect.name for effect in effects(trips))
    idle = frozenset(idle_names(trips, began_s, began_s + sent_s))
    behind = _of_the_second(system, time, done) if done else ()
    return Clean(found, others, done_s, execution.time, execution.network, done, behind, idle)


def _of_the_second(system: AppSystem, time: Time | None, first: tuple[str, ...]) -> tuple[str, ...]:
    """What the second job of a cell does to services when nothing is broken."""
    record = Record()
    _, facts = _shaken(control_plan(queue_of(system)), system, time, record)
    if (outcome := facts.outcome(1)) != "done":
        raise NothingProved(
            f"expected a second job of {system.task} to be done as well, found that it is "
            f"{outcome}; give each job arguments of its own: --args MODULE:FUNCTION"
        )
    both = Counter(effect.name for effect in effects(record.trips))
    return tuple((both - Counter(first)).elements())


def _shaken(
    plan: Plan, system: AppSystem, time: Time | None, record: Record
) -> tuple[Execution, Facts]:
    with blaming(system.name):
        execution = shake_framework(plan, system, time=time, record=record)
    return execution, Facts(plan, system.claims, execution.history)


def queue_of(system: AppSystem) -> str:
    """The queue that the task goes to."""
    return system.looked.queue or "default"


def settings_of(system: AppSystem) -> dict[str, str]:
    """The library's and the task's settings, as JSON, without those that may hold a password."""
    looked = system.looked
    return {
        name: json.dumps(value)
        for name, value in {**looked.settings, **looked.of_task}.items()
        if value is not None and name not in SECRET
    }


def waits(system: AppSystem, time: Time | None, asked_s: float | None) -> float:
    """For how many seconds a run waits for what the library brings back by itself.

    For as many as were asked for, by default as its settings say in leaping time, and 30 in real
    time; never for more than its settings say.
    """
    recovery_s = system.library.recovery(system.looked).seconds
    if asked_s is None:
        asked_s = recovery_s if can_leap(system, time) else REAL_PATIENCE_S
    return min(asked_s, recovery_s)


def fingerprint(system: AppSystem, clean: Clean) -> str:
    """What two sweeps have in common of which one may go on where the other ended."""
    app = system.app
    looked = msgspec.structs.replace(system.looked, load_s=0.0)
    said = (
        [app.target, app.task, app.args, app.options, app.worker, str(app.folder), app.python],
        [put.said for put in app.services],
        dict(app.env),
        looked,
        [boundary.key for boundary in clean.boundaries],
    )
    return hashlib.sha256(msgspec.json.encode(said)).hexdigest()[:16]
