"""Why a plan can prove nothing on a system, whatever the seed: asked before it is run.

A plan names the faults that must strike. Where a system or a driver lacks the power to let one
of them strike (no network, no server that could die, no clock of its own), a run would be
inconclusive for ever. What a plan can do without is no reason: the bite matrix tells.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from ..backends.adapter import Elsewhere, Fillable, ReadsTimeAtStart, Tenant, Unavailable
from ..backends.framework import FrameworkSystem, Queued, Renaming
from ..backends.system import Driver, Opaque, System, Time, drivers
from ..blame import blaming
from ..servers.source import MissingServer
from .faults import CallFault, Fault
from .plan.plan import Plan, Senseless
from .units import seconds

MOST_WAITS, SOON_S = 10.0, 60.0
WITHOUT_DRIVER = {"sim": "it has no virtual time", "process": "it lives in virtual time only"}


def why_not(plan: Plan, system: System, driver: Driver, time: Time | None = None) -> str | None:
    """Why this plan cannot prove anything on this system with this driver; None: it can.

    Raises :class:`BackendFailed` if the system does not answer but raises.
    """
    with blaming(system.name):
        return _why_not(plan, system, driver, time)


def _why_not(plan: Plan, system: System, driver: Driver, time: Time | None) -> str | None:
    if driver not in drivers(system):
        return WITHOUT_DRIVER[driver]
    if driver == "sim":
        return None
    if plan.actions and isinstance(system, FrameworkSystem):
        if any(isinstance(action, Senseless) for action in plan.actions):
            return "jobquake does not know how to send it what makes no sense"
        return "jobquake does not know how to replay its dead letters"
    if len(plan.queues) > 1 and isinstance(system, Queued) and system.untold:
        return system.untold
    due_s = max((job.delay_s for job in plan.jobs), default=0.0)
    if isinstance(system, FrameworkSystem) and due_s > MOST_WAITS * plan.recovery_s + SOON_S:
        return (
            f"a job is due after {seconds(due_s)} only, which takes leaping time or more patience"
        )
    for kind in dict.fromkeys(kind for kind, _ in plan.must_hit):
        reasons = [_lacking(fault, system, time) for fault in plan.faults if fault.kind == kind]
        if reasons and all(reasons):
            return reasons[0]
    return None


def _lacking(fault: Fault, system: System, time: Time | None) -> str | None:
    """What this fault lacks on real processes of the system."""
    if fault.skew_s and isinstance(system, ReadsTimeAtStart) and system.reads_time_at_start:
        return "each of its workers reads a clock when it starts, and keeps it if it is wrong"
    if fault.skew_s and time == "real":
        return "in real time its processes share one clock"
    if fault.on_network and system.framing is None:
        return "it is reached over no network"
    if isinstance(fault, CallFault) and isinstance(system.framing, Opaque):
        return "jobquake does not know its protocol, so it cannot lose a single call"
    if fault.on_network and not _has_own_server(system):
        return "its server is not ours, so no network of ours lies before it"
    if fault.strikes_server and isinstance(system, FrameworkSystem) and _elsewhere(system):
        return "its broker is yours, which is never killed"
    if fault.fills_server and isinstance(system, FrameworkSystem) and _elsewhere(system):
        return "its broker is yours, whose memory is left alone"
    if fault.fills_server and not (isinstance(system, Fillable) and system.fillable):
        return "the memory of its server is in nobody's power here"
    if fault.renames_tasks and not isinstance(system, FrameworkSystem):
        return "its workers are jobquake's own, which know every job"
    if fault.renames_tasks and not (isinstance(system, Renaming) and system.renames):
        return "jobquake does not know how its workers forget a task"
    if fault.strikes_server and not _has_own_server(system):
        return "it has no server of ours that could die"
    return None


def _elsewhere(system: System) -> bool:
    return isinstance(system, Elsewhere) and bool(system.elsewhere())


def _has_own_server(system: System) -> bool:
    """Whether a run starts a server. One that is missing here is told by the run itself."""
    with tempfile.TemporaryDirectory(prefix="jobquake-") as folder:
        try:
            command = system.server(Path(folder), 0)
            if command is None and isinstance(system, Tenant):
                system.vacate(Path(folder))  # it may have looked whether somebody else's answers
        except (Unavailable, MissingServer):
            return True
    return command is not None
