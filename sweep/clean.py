"""The clean run: one job from an idle worker to an idle worker, every round trip seen."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import msgspec

from ..backends.system import Time
from ..blame import blaming
from ..errors import NothingProved
from ..frameworks.system import AppSystem
from ..harness.drivers.framework import shake_framework
from ..harness.drivers.trips import Record
from ..harness.record.facts import Facts
from .boundaries import Boundary, boundaries, idle_names
from .effects import effects
from .plans import clean_plan


class Clean(NamedTuple):
    """What the clean run showed: boundaries in order of time, how many other trips, how time went.

    ``done_s`` is how long after it was sent the job was done, ``effects`` what it did to services.
    ``idle``: the names of what workers say while nobody has sent a job.
    """

    boundaries: list[Boundary]
    others: int
    done_s: float
    time: str
    network: str
    effects: tuple[str, ...] = ()
    idle: frozenset[str] = frozenset()


def clean_run(system: AppSystem, time: Time | None = None) -> Clean:
    """Run the app's task once. Raises :class:`NothingProved` if it was not done once."""
    plan, record = clean_plan(queue_of(system)), Record()
    with blaming(system.name):
        execution = shake_framework(plan, system, time=time, record=record)
    facts = Facts(plan, system.claims, execution.history)
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
    return Clean(found, others, done_s, execution.time, execution.network, done, idle)


def queue_of(system: AppSystem) -> str:
    """The queue that the task goes to."""
    return system.looked.queue or "default"


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
