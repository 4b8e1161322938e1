"""The ways in which a plan for real workers can be less: the largest step first. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from msgspec.structs import replace

from ...harness.faults.changed import all_changed
from ...harness.plan.plan import Plan
from ...harness.shrink.smaller import (
    Smaller,
    fewer_faults,
    fewer_jobs,
    fewer_workers,
)
from .draw import timed


def _timed(way: Smaller, plan: Plan) -> Iterator[Plan]:
    """With time for what is left."""
    for smaller in way(plan):
        if smaller.jobs:
            yield timed(smaller)


def bare(plan: Plan) -> Iterator[Plan]:
    """One strike, the job that it meets, one worker: what most findings come to, in one step."""
    gone = len(plan.jobs) - 1
    if len(plan.faults) < 2 and not gone:
        return
    for fault in plan.faults:
        mine = plan.jobs[min(getattr(fault, "job", 0), gone)]
        alone = all_changed((fault,), lambda kind, value: kind.folded(value, 1, 1, False))
        sooner = all_changed(alone, lambda kind, value: kind.counted_without(value, gone))
        pools = tuple(replace(pool, workers=1) for pool in plan.pools)
        for faults in dict.fromkeys((sooner, alone)):
            yield replace(plan, faults=faults, jobs=(mine,), pools=pools, producers=1)


def one_producer(plan: Plan) -> Iterator[Plan]:
    if plan.producers > 1:
        yield replace(plan, producers=1)


STEPS: tuple[Smaller, ...] = tuple(
    partial(_timed, way) for way in (bare, fewer_faults, fewer_jobs, fewer_workers, one_producer)
)
