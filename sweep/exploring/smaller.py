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
    if len(plan.faults) > 1:
        for fault in plan.faults:
            yield from _on_one_job(replace(plan, faults=(fault,)))


def one_job(plan: Plan) -> Iterator[Plan]:
    """All that strikes on one job, and one worker."""
    if len(plan.jobs) > 1:
        yield from _on_one_job(plan)


def _on_one_job(plan: Plan) -> Iterator[Plan]:
    """With the job of its first strike; what is counted is counted from as much sooner, or not."""
    gone = len(plan.jobs) - 1
    mine = plan.jobs[min(getattr(plan.faults[0], "job", 0), gone)] if plan.faults else plan.jobs[0]
    alone = all_changed(plan.faults, lambda kind, value: kind.folded(value, 1, 1, False))
    sooner = all_changed(alone, lambda kind, value: kind.counted_without(value, gone))
    pools = tuple(replace(pool, workers=1) for pool in plan.pools)
    for faults in dict.fromkeys((sooner, alone)):
        yield replace(plan, faults=faults, jobs=(mine,), pools=pools, producers=1)


def one_producer(plan: Plan) -> Iterator[Plan]:
    if plan.producers > 1:
        yield replace(plan, producers=1)


STEPS: tuple[Smaller, ...] = tuple(
    partial(_timed, way)
    for way in (bare, one_job, fewer_faults, fewer_jobs, fewer_workers, one_producer)
)
