"""The list of backends: one line each, loaded when asked for, extended by entry points.

A package of yours can add its own through the entry point group ``jobquake.backends``,
whose entries name an object with the members of :class:`.adapter.Adapter`. ``NAME@PLACE``
is a backend put in another place, for those that can be (they have a method ``at``).
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Protocol, runtime_checkable

from .adapter import Adapter

GROUP = "jobquake.backends"
BUILT_IN = {
    "reference": ".reference.adapter:REFERENCE",
    "reference-sqlite": ".reference.adapter:REFERENCE_SQLITE",
    "reference-redis": ".reference.adapter:REFERENCE_REDIS",
    "reference-redis-careless": ".reference.adapter:REFERENCE_REDIS_CARELESS",
    "reference-postgres": ".reference.adapter:REFERENCE_POSTGRES",
    "reference-postgres-careless": ".reference.adapter:REFERENCE_POSTGRES_CARELESS",
    "twin-ack-before-run": ".twins.ack_before_run:TWIN",
    "twin-no-lease": ".twins.no_lease:TWIN",
    "twin-ack-without-token": ".twins.ack_without_token:TWIN",
    "twin-key-before-effect": ".twins.key_before_effect:TWIN",
    "twin-crashes-not-counted": ".twins.crashes_not_counted:TWIN",
    "twin-lease-too-short": ".twins.lease_too_short:TWIN",
    "twin-not-durable": ".twins.not_durable:TWIN",
    "twin-key-per-delivery": ".twins.key_per_delivery:TWIN",
    "twin-retry-in-lockstep": ".twins.retry_in_lockstep:TWIN",
    "twin-retry-at-once": ".twins.retry_at_once:TWIN",
    "twin-permanent-retried": ".twins.permanent_retried:TWIN",
    "twin-reason-forgotten": ".twins.reason_forgotten:TWIN",
    "twin-no-timeout": ".twins.no_timeout:TWIN",
    "twin-replay-drops": ".twins.replay_drops:TWIN",
    "twin-shutdown-drops": ".twins.shutdown_drops:TWIN",
    "twin-priority-ignored": ".twins.priority_ignored:TWIN",
    "twin-unbounded": ".twins.unbounded:TWIN",
    "twin-lease-by-worker-clock": ".twins.lease_by_worker_clock:TWIN",
    "twin-wall-clock": ".twins.wall_clock:TWIN",
}


def names() -> list[str]:
    """Every backend that can be asked for, built in first."""
    from importlib.metadata import entry_points  # slow to import, and workers start often

    return [*BUILT_IN, *(n for n in sorted(entry_points(group=GROUP).names) if n not in BUILT_IN)]


@runtime_checkable
class Movable(Protocol):
    """A backend that can live in several places."""

    def at(self, place: str) -> Adapter: ...


@cache
def find(name: str) -> Adapter:
    """The backend of that name. Raises KeyError if there is none."""
    base, at, place = name.rpartition("@")
    if at:
        movable = find(base)
        if not isinstance(movable, Movable):
            raise KeyError(name)
        return movable.at(place)
    if name in BUILT_IN:
        module, _, attribute = BUILT_IN[name].partition(":")
        adapter: Adapter = getattr(import_module(module, __package__), attribute)
        return adapter
    from importlib.metadata import entry_points

    for entry in entry_points(group=GROUP, name=name):
        loaded: Adapter = entry.load()
        return loaded
    raise KeyError(name)
