"""A framework's own workers under the process driver: its command starts them, a file tells them.

What of the plan concerns processes that import nothing of ours but the probe lies in one JSON
file of the run's folder. All the rest is the process driver's: kills, restarts, ledger, end.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from ...backends.adapter import Connection, RemoteQueue
from ...backends.framework import (
    Calling,
    FrameworkSystem,
    Preparing,
    Program,
    Reporting,
    Settings,
    Wishes,
)
from ...backends.system import Time
from ...errors import EnvironmentFault, JobquakeError, NothingProved, UsageError
from ...protocol.events import Event, Row
from ...protocol.ledger import Ledger
from ...protocol.probe import FOLDER, INCARNATION, NODE, PROCESS, RENAMED, WORKER
from ...protocol.run_files import READY, STRIKES, WORK
from ...proxy.choice import EMBEDDED
from ..faults import LastingFault, PointFault
from ..faults.fields import SERVER
from ..faults.times import healing_s
from ..plan.plan import Plan
from ..properties import Judgement
from .crew import Role
from .execution import Execution
from .fleet import Slot
from .outside import Outside
from .pace import Pace
from .process import Progress, shake
from .server import Spawn
from .services import start_services
from .tree import Running, kill_group, links
from .trips import Record

LOOK_EVERY_S = 0.01
LINKED_WITHIN_S = 10.0
WORDS = 3  # lines


class FrameworkCrew:
    """The workers of ``system``, and producers that use its own client."""

    ready_within_s = 60.0
    settles_s = 1.0

    def __init__(self, plan: Plan, system: FrameworkSystem) -> None:
        self._plan = plan
        self._system = system
        self._started: list[Running] = []
        self._mustered: dict[int, Running] = {}
        self._workers: dict[int, tuple[Running, str]] = {}
        self._renamed: dict[int, int] = {}
        self.settings: Settings = system.settings(wishes(plan))
        self.services: Mapping[str, str] = {}
        self._places: Mapping[int, Mapping[str, str]] = {}
        self._outside = Outside(plan, system)

    def prepare(self, folder: Path, spawn: Spawn, pace: Pace) -> None:
        (folder / STRIKES).mkdir()
        (folder / WORK).write_text(json.dumps(work_of(self._plan)))
        self._folder = folder
        self._spawn = spawn
        self._pace = pace
        if isinstance(self._system, Calling):
            self.services = start_services(self._system.services, folder, spawn)
        self._outside.prepare(folder, pace)

    def reach(self, places: Mapping[int, Mapping[str, str]]) -> None:
        self._places = places

    def muster(self, addresses: Mapping[int, str], log: Callable[[int], Path]) -> None:
        """Producers load the app before the time of the run begins."""
        for number, (process, address) in self._workers.items():
            self._see_link(number, process, address, log(number))
        for number, address in addresses.items():
            self._mustered[number] = self._begin("client", number, 1, address, log(number))
        until = time.monotonic() + self.ready_within_s
        for number, process in list(self._mustered.items()):
            while not (self._folder / f"{READY}-{number}").exists():
                self.see(process.poll(), log(number))
                if time.monotonic() > until:
                    raise EnvironmentFault(
                        f"expected a producer to load the app within {self.ready_within_s:g} s, "
                        f"found that it did not: {last_words(log(number))}"
                    )
                time.sleep(LOOK_EVERY_S)

    def start(self, role: Role, number: int, incarnation: int, address: str, log: Path) -> Running:
        if role == "client" and (ready := self._mustered.pop(number, None)):
            return ready
        return self._begin(role, number, incarnation, address, log)

    def _begin(self, role: Role, number: int, incarnation: int, address: str, log: Path) -> Running:
        argv, env, folder = self._program(role, number, address)
        if isinstance(self._system, Calling) and self.services:
            env = self._system.lead(env, self._places.get(number, self.services))
        who = {FOLDER: str(self._folder), NODE: str(number), INCARNATION: str(incarnation)}
        if role == "worker" and number in self._renamed:
            who[RENAMED] = str(self._renamed[number])
        with log.open("ab") as words:
            env = {**env, **who, **self._outside.environment, **self._pace.environment_of(number)}
            try:
                process = self._spawn(argv, env, folder, stdout=words, stderr=words)
            except OSError as error:
                raise UsageError(
                    f"expected a command that can be started, found {argv[0]!r}: "
                    f"{error.strerror}; correct it"
                ) from None
        self._started.append(process)
        if role == "worker":
            self._workers[number] = process, address
        return process

    def renames(self, fault: int, number: int) -> bool:
        self._renamed[number] = fault
        return True

    def _see_link(self, number: int, process: Running, address: str, log: Path) -> None:
        """See that the worker has reached its broker where the network of the run is."""
        until = time.monotonic() + LINKED_WITHIN_S
        while ":" in address and address not in (found := links(process.pid)):
            if time.monotonic() > until:
                raise EnvironmentFault(
                    f"expected worker {number + 1} to reach its broker through the proxy at "
                    f"{address}, found its connections at {', '.join(sorted(found)) or 'nowhere'}; "
                    f"does it connect in a way that is not Python's own? It said last: "
                    f"{last_words(log)}"
                )
            time.sleep(LOOK_EVERY_S)

    def absent(self, slot: Slot, log: Path) -> JobquakeError:
        who = f"worker {slot.number + 1}"
        if slot.hooked:
            return EnvironmentFault(
                f"expected {who} to be ready within {self.ready_within_s:g} s, found that it is "
                f"not; it said last: {last_words(log)}"
            )
        return NothingProved(
            f"expected {who} to tell jobquake what it does, found that it runs and says nothing "
            f"({self._system.name} is not imported there, or Python is started with -I, -E or -S), "
            f"so nothing could be seen; it said last: {last_words(log)}"
        )

    def see(self, status: int | None, log: Path) -> None:
        if status:
            raise EnvironmentFault(
                f"expected a producer to enqueue its jobs, found that it ended with {status}: "
                f"{last_words(log)}"
            )

    def _program(self, role: Role, number: int, address: str) -> Program:
        if role == "client":
            return self._system.producer_command(self._folder, address)
        workers = self._plan.workers
        every = tuple(queue.name for queue in self._plan.queues)
        queues = workers[number].queues if number < len(workers) else every
        return self._system.worker_command(self._folder, address, queues, self.settings, number)

    def control(self, address: str) -> Connection:
        if isinstance(self._system, Preparing):
            program = self._system.preparing_command(self._folder, address)
            if program:
                self._run_to_its_end(program)
        return self._system.control(address)

    def _run_to_its_end(self, program: Program) -> None:
        log = self._folder / "preparing.log"
        with log.open("ab") as words:
            who = {FOLDER: str(self._folder), NODE: str(SERVER), INCARNATION: "1"}
            env = {**program.env, **who, **self._pace.environment_of(SERVER)}
            process = self._spawn(program.argv, env, program.folder, stdout=words, stderr=words)
            self._started.append(process)
            try:
                status = process.wait(self.ready_within_s)
            except subprocess.TimeoutExpired:
                status = None
        if status != 0:
            told = f"ended with {status}" if status else f"took over {self.ready_within_s:g} s"
            raise EnvironmentFault(
                f"expected the app to make its broker ready, found that this {told}: "
                f"{last_words(log)}"
            )

    @property
    def judgements(self) -> Sequence[Judgement]:
        return self._outside.judgements

    def poll(self) -> None:
        self._outside.poll()

    def finish(self, ledger: Ledger, rows: Sequence[Row]) -> None:
        if isinstance(self._system, Reporting):
            self._see_reports(self._system, {row.event for row in rows})
        self._outside.finish(ledger, rows)

    def _see_reports(self, system: Reporting, seen: set[int]) -> None:
        if Event.ENQUEUE_ANSWERED in seen and Event.STARTED not in seen:
            raise NothingProved(
                "expected jobs to tell jobquake when they begin, found that none of those that "
                f"were enqueued did; {system.reports}"
            )

    def end(self) -> None:
        for process in self._started:
            kill_group(process)
        self._outside.close()


def last_words(log: Path) -> str:
    """What a process said last, a few lines of it."""
    lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
    return " | ".join(line.strip() for line in lines[-WORDS:]) or "nothing"


def wishes(plan: Plan) -> Wishes:
    """What the plan asks of whoever runs its jobs."""
    return Wishes(
        queues=tuple(queue.name for queue in plan.queues),
        lease_s=plan.lease_s,
        grace_s=plan.grace_s,
        max_deliveries=plan.max_deliveries,
        retry=plan.retry,
        names=any(fault.keeps_name for fault in plan.faults),
        delays=any(job.delay_s for job in plan.jobs),
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
        "lasts_s": max((healing_s(fault.lasts_s) for fault in plan.faults), default=0.0),
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
        "route": job.queue if len(plan.queues) > 1 else "",
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
        "kills": _killed(fault),
        "first": fault.nth,
        "last": fault.last,
        "for_s": fault.lasts_s,
    }


def _killed(fault: PointFault) -> str:
    """What dies of the fault, in the probe's words; nothing, if it only pauses."""
    if not fault.ends_worker:
        return ""
    return PROCESS if fault.ends_process_only else WORKER


def shake_framework(
    plan: Plan,
    system: FrameworkSystem,
    progress: Progress | None = None,
    toxiproxy: str = EMBEDDED,
    time: Time | None = None,
    record: Record | None = None,
) -> Execution:
    """Run the plan with the framework's own workers; ``record`` takes down each round trip."""
    # Of a queue the process driver uses, besides its crew, no more than any system has.
    queue = cast("RemoteQueue", system)
    crew = FrameworkCrew(plan, system)
    return shake(plan, queue, progress, toxiproxy, crew=crew, time=time, record=record)
