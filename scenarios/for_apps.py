"""A scenario's plan, made to fit an app whose workers and tasks are its own.

What the plan says of jobs, times and faults stays. What only jobquake's own worker can do is put
in the words of a framework: a point inside the body of somebody's task, which nobody can reach, is
the point before it or after it; a lease is the library's own; the end of the run is when the
library had the time that it needs to bring work back by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from msgspec.structs import replace

from ..harness.faults.changed import fields_of
from ..harness.faults.fault import Fault
from ..harness.faults.kill_at import KillAt
from ..harness.faults.kill_process_at import KillProcessAt
from ..harness.faults.kill_taking import KillTaking
from ..harness.faults.kill_worker import KillWorker
from ..harness.faults.pause_at import PauseAt
from ..harness.plan.plan import Plan, Pool, Sink
from ..protocol.worker import Point

Kills = Literal["child", "worker", "taking"]
INSIDE: dict[Point, Point] = {"mid_job": "after_lease", "before_effect": "after_effect"}
PHASES = {"running": "leased"}
NOT_FOR_APPS = ("leases_exclusive", "timeouts_enforced")  # the library's own, not the plan's
DRAINED_WITHIN_S = 60.0
MOMENT_S = 1.0  # that is waited for what nothing brings back
NEVER_GIVES_UP = 1_000_000  # deliveries: the plan's bound is none that the library was told of
LONG_S, DEATHS_OF_ONE = 60.0, 2  # where each death costs a recovery as long, one job has no more


class Fit(NamedTuple):
    """What an app can do. ``own_task``: jobquake's task is called, which can be struck inside.

    ``recovery_s`` is how long the library needs to bring work back by itself, ``patience_s`` how
    long the run waits for that at most. ``counted``: each effect that the world tells of happened,
    and no rule of a plan can make one of two. ``delays_in_leases``: as of a scenario.
    """

    workers: int
    kills: Kills
    own_task: bool
    recovery_s: float
    patience_s: float
    counted: bool = False
    delays_in_leases: bool = False


def fitted(plan: Plan, fit: Fit) -> Plan:
    """The plan for that app."""
    workers = sum(pool.workers for pool in _pools(plan, fit.workers))
    faults = tuple(
        _fault(_of_workers(fault, workers), fit)
        for fault in plan.faults
        if fit.kills == "worker" or not _ends_whole_worker(fault)
    )
    recovery_s = max(fit.recovery_s, MOMENT_S)
    waits_s = min(recovery_s, fit.patience_s)
    longer = recovery_s / plan.lease_s if fit.delays_in_leases else 1.0
    jobs = tuple(replace(job, delay_s=round(longer * job.delay_s, 3)) for job in plan.jobs)
    due_s = max(job.delay_s for job in jobs) if fit.delays_in_leases else 0.0
    return replace(
        plan,
        variant=fit.kills if plan.variant == "default" else f"{plan.variant}-{fit.kills}",
        pools=_pools(plan, fit.workers),
        jobs=jobs,
        faults=faults,
        guarantees=tuple(name for name in plan.guarantees if name not in NOT_FOR_APPS),
        must_hit=tuple(dict.fromkeys(_cell(cell, fit) for cell in plan.must_hit)),
        sink="blind" if fit.counted else _keyed(plan),
        lease_s=recovery_s,
        max_deliveries=NEVER_GIVES_UP,
        deadline_s=plan.deadline_s + DRAINED_WITHIN_S + waits_s + due_s,
        recovery_s=waits_s,
    )


def kinds_of(plan: Plan, kills: Sequence[Kills]) -> Sequence[Kills]:
    """Of those the ones that make a difference: what ends no process is one plan."""
    ends = any(isinstance(fault, KillAt) and not _ends_whole_worker(fault) for fault in plan.faults)
    return kills if ends else ("worker",)


def _keyed(plan: Plan) -> Sink:
    """Of jobquake's own task, repetitions are legal, and told."""
    return "keyed" if plan.sink == "blind" else plan.sink


def _pools(plan: Plan, workers: int) -> tuple[Pool, ...]:
    """So many workers for each pool: each of them is several processes."""
    return tuple(replace(pool, workers=min(workers, pool.workers)) for pool in plan.pools)


def _ends_whole_worker(fault: Fault) -> bool:
    """Whether it cannot strike a child alone, or at a job's taking: the ack is the parent's."""
    after_ack = isinstance(fault, KillAt) and fault.point == "after_ack"
    return after_ack or isinstance(fault, KillWorker)


def _of_workers(fault: Fault, workers: int) -> Fault:
    """The fault with numbers of workers that there are."""
    for name, _ in fields_of(type(fault)):
        value = getattr(fault, name)
        if name == "worker":
            fault = replace(fault, worker=value % workers)
        elif name == "workers" and value is not None:
            fault = replace(fault, workers=tuple(sorted({number % workers for number in value})))
    return fault


def _fault(fault: Fault, fit: Fit) -> Fault:
    if isinstance(fault, KillAt | PauseAt) and not fit.own_task:
        fault = replace(fault, point=INSIDE.get(fault.point, fault.point))
    if isinstance(fault, KillAt) and fit.kills != "child" and fit.recovery_s > LONG_S:
        fault = replace(fault, times=min(fault.times, DEATHS_OF_ONE))
    if isinstance(fault, KillAt) and fit.kills == "child":
        return KillProcessAt(fault.job, fault.point, fault.times, fault.nth)
    if isinstance(fault, KillAt) and fit.kills == "taking":
        return KillTaking(fault.job, fault.times, fault.nth)
    return fault


def _cell(cell: tuple[str, str], fit: Fit) -> tuple[str, str]:
    kind, phase = cell
    if kind == KillAt.label and fit.kills == "taking":
        return KillTaking.label, "leased"
    if kind == KillAt.label and fit.kills == "child":
        kind = KillProcessAt.label
    if not fit.own_task and kind in (KillAt.label, KillProcessAt.label, PauseAt.label):
        phase = PHASES.get(phase, phase)
    return kind, phase
