"""The list of backends: one line each, loaded when asked for, extended by entry points.

A package of yours can add its own through the entry point group ``jobquake.backends``,
whose entries name an object with the members of :class:`.adapter.Adapter`. ``NAME@PLACE``
is a backend put in another place, for those that can be (they have a method ``at``).
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Protocol, runtime_checkable

from ..errors import BrokenPlugin
from .adapter import Adapter

GROUP = "jobquake.backends"
BUILT_IN = {
    "reference": ".reference.adapter:REFERENCE",
    "reference-sqlite": ".reference.adapter:REFERENCE_SQLITE",
    "reference-redis": ".reference.adapter:REFERENCE_REDIS",
    "reference-redis-careless": ".reference.adapter:REFERENCE_REDIS_CARELESS",
    "reference-postgres": ".reference.adapter:REFERENCE_POSTGRES",
    "reference-postgres-careless": ".reference.adapter:REFERENCE_POSTGRES_CARELESS",
    "twin-ack-before-run": ".reference.twins.ack_before_run:TWIN",
    "twin-no-lease": ".reference.twins.no_lease:TWIN",
    "twin-ack-without-token": ".reference.twins.ack_without_token:TWIN",
    "twin-key-before-effect": ".reference.twins.key_before_effect:TWIN",
    "twin-crashes-not-counted": ".reference.twins.crashes_not_counted:TWIN",
    "twin-lease-too-short": ".reference.twins.lease_too_short:TWIN",
    "twin-not-durable": ".reference.twins.not_durable:TWIN",
    "twin-key-per-delivery": ".reference.twins.key_per_delivery:TWIN",
    "twin-retry-in-lockstep": ".reference.twins.retry_in_lockstep:TWIN",
    "twin-retry-at-once": ".reference.twins.retry_at_once:TWIN",
    "twin-permanent-retried": ".reference.twins.permanent_retried:TWIN",
    "twin-reason-forgotten": ".reference.twins.reason_forgotten:TWIN",
    "twin-no-timeout": ".reference.twins.no_timeout:TWIN",
    "twin-replay-drops": ".reference.twins.replay_drops:TWIN",
    "twin-shutdown-drops": ".reference.twins.shutdown_drops:TWIN",
    "twin-priority-ignored": ".reference.twins.priority_ignored:TWIN",
    "twin-unbounded": ".reference.twins.unbounded:TWIN",
    "twin-lease-by-worker-clock": ".reference.twins.lease_by_worker_clock:TWIN",
    "twin-wall-clock": ".reference.twins.wall_clock:TWIN",
    "twin-pop-then-push": ".reference.twins.pop_then_push:TWIN",
    "twin-promotion-loses": ".reference.twins.promotion_loses:TWIN",
    "twin-promotion-twice": ".reference.twins.promotion_twice:TWIN",
    "twin-dead-letter-after-ack": ".reference.twins.dead_letter_after_ack:TWIN",
    "twin-dead-letters-trimmed": ".reference.twins.dead_letters_trimmed:TWIN",
    "twin-retries-counted-in-worker": ".reference.twins.retries_counted_in_worker:TWIN",
    "twin-backoff-overflows": ".reference.twins.backoff_overflows:TWIN",
    "twin-priority-inverted": ".reference.twins.priority_inverted:TWIN",
    "twin-priority-inversion": ".reference.twins.priority_inversion:TWIN",
    "twin-strict-order-starves": ".reference.twins.strict_order_starves:TWIN",
    "twin-heartbeat-outlives-job": ".reference.twins.heartbeat_outlives_job:TWIN",
    "twin-heartbeat-blocked": ".reference.twins.heartbeat_blocked:TWIN",
    "twin-lease-of-the-shortest": ".reference.twins.lease_of_the_shortest:TWIN",
    "twin-dedup-window-short": ".reference.twins.dedup_window_short:TWIN",
    "twin-key-after-ack": ".reference.twins.key_after_ack:TWIN",
    "twin-key-not-recorded": ".reference.twins.key_not_recorded:TWIN",
    "twin-enqueue-twice": ".reference.twins.enqueue_twice:TWIN",
    "twin-reaper-reaps-living": ".reference.twins.reaper_reaps_living:TWIN",
    "twin-reaper-needs-traffic": ".reference.twins.reaper_needs_traffic:TWIN",
    "twin-reaper-lock-of-a-corpse": ".reference.twins.reaper_lock_of_a_corpse:TWIN",
    "twin-replay-loses-on-crash": ".reference.twins.replay_loses_on_crash:TWIN",
    "twin-timeout-acks": ".reference.twins.timeout_acks:TWIN",
    "twin-prefetch-hoards": ".reference.twins.prefetch_hoards:TWIN",
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
        try:
            loaded: Adapter = entry.load()
        except Exception as error:
            raise BrokenPlugin(
                f"expected the backend {name} in {entry.value}, found "
                f"{type(error).__name__}: {error}; repair or uninstall that package"
            ) from error
        return loaded
    raise KeyError(name)
