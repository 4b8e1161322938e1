"""A framework's own workers under the process driver: its command starts them, a file tells them.

What of the plan concerns processes that import nothing of ours but the probe lies in one JSON
file of the run's folder. All the rest is the process driver's: kills, restarts, ledger, end.
"""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any, cast

from ...backends.adapter import Connection, RemoteQueue
from ...backends.framework import FrameworkSystem, Program, Settings, Wishes
from ...protocol.probe import FOLDER, INCARNATION, NODE
from ...protocol.run_files import STRIKES, WORK
from ...proxy.choice import EMBEDDED
from ..faults import LastingFault, PointFault
from ..plan.plan import Plan
from .crew import Role
from .execution import Execution
from .process import Progress, shake
from .server import Spawn
from .tree import Running, kill_group


class FrameworkCrew:
    """The workers of ``system``, and producers that use its own client."""

    def __init__(self, plan: Plan, system: FrameworkSystem) -> None:
        self._plan = plan
        self._system = system
        self._started: list[Running] = []
        self.settings: Settings = system.settings(wishes(plan))

    def prepare(self, folder: Path, spawn: Spawn) -> None:
        (folder / STRIKES).mkdir()
        (folder / WORK).write_text(json.dumps(work_of(self._plan)))
        self._folder = folder
        self._spawn = spawn

    def start(self, role: Role, number: int, incarnation: int, address: str, log: Path) -> Running:
        argv, env = self._program(role, number, address)
        who = {FOLDER: str(self._folder), NODE: str(number), INCARNATION: str(incarnation)}
        with log.open("ab") as words:
            process = self._spawn(argv, {**env, **who}, stdout=words, stderr=words)
        self._started.append(process)
        return process

    def _program(self, role: Role, number: int, address: str) -> Program:
        if role == "client":
            return self._system.producer_command(self._folder, address)
        queues = self._plan.workers[number].queues
        return self._system.worker_command(self._folder, address, queues, self.settings)

    def control(self, address: str) -> Connection:
        return self._system.control(address)

    def end(self) -> None:
        for process in self._started:
            kill_group(process)


def wishes(plan: Plan) -> Wishes:
    """What the plan asks of whoever runs its jobs."""
    return Wishes(
        queues=tuple(queue.name for queue in plan.queues),
        lease_s=plan.lease_s,
        grace_s=plan.grace_s,
        max_deliveries=plan.max_deliveries,
        retry=plan.retry,
    )


def work_of(plan: Plan) -> dict[str, Any]:
    """The plan in the words of the probe: jobs by id, what strikes them, when to enqueue them."""
    return {
        "jobs": {plan.job_id(index): _job(plan, index) for index in range(len(plan.jobs))},
        "schedules": {
            str(len(plan.workers) + producer): [
                (at_s, job.id) for at_s, job in plan.schedule(producer)
            ]
            for producer in range(plan.producers)
        },
        "strikes": _strikes(plan),
        "outages": [
            (number, fault.at_s, fault.at_s + fault.for_s)
            for number, fault in enumerate(plan.faults)
            if isinstance(fault, LastingFault) and fault.takes_dependency_away
        ],
    }


def _job(plan: Plan, index: int) -> dict[str, Any]:
    job, planned = plan.job(index), plan.jobs[index]
    return {
        "id": job.id,
        "index": index,
        "queue": job.queue,
        "key": job.key,
        "priority": job.priority,
        "delay_s": job.delay_s,
        "timeout_s": job.timeout_s,
        "service_s": planned.service_s,
        "behaviour": planned.behaviour,
        "failures": planned.failures,
    }


def _strikes(plan: Plan) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Per job and point: the faults that strike there, pauses before kills."""
    strikes: dict[str, dict[str, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for number, fault in enumerate(plan.faults):
        if isinstance(fault, PointFault):
            strikes[plan.job_id(fault.job)][fault.point].append(_strike(number, fault))
    for of_job in strikes.values():
        for at_point in of_job.values():
            at_point.sort(key=lambda strike: bool(strike["kills"]))
    return strikes


def _strike(number: int, fault: PointFault) -> dict[str, Any]:
    """``first`` and ``last``: at which passings of its point the fault strikes."""
    return {
        "number": number,
        "kills": fault.ends_worker,
        "first": fault.nth,
        "last": fault.last,
        "for_s": fault.lasts_s,
    }


def shake_framework(
    plan: Plan,
    system: FrameworkSystem,
    progress: Progress | None = None,
    toxiproxy: str = EMBEDDED,
) -> Execution:
    """Run the plan with the framework's own workers."""
    # Of a queue the process driver uses, besides its crew, no more than any system has.
    queue = cast("RemoteQueue", system)
    return shake(plan, queue, progress, toxiproxy, crew=FrameworkCrew(plan, system))
