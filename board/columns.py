"""The columns of the board: what strikes the jobs of a library, a small plan for each.

Six jobs, two workers; a run waits as long as the library may need by itself to bring work back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import NamedTuple

from ..frameworks.system import AppSystem
from ..harness.faults import Fault
from ..harness.faults.broker_crash import BrokerCrash
from ..harness.faults.kill_at import KillAt
from ..harness.faults.kill_process_at import KillProcessAt
from ..harness.plan.plan import Behaviour, Plan, PlannedJob, Pool, Queue

JOBS, WORKERS, EVERY_S, SERVICE_S = 6, 2, 0.3, 0.2
NEVER_GIVES_UP = 1_000_000  # deliveries: no bound that the library was told of
LEAST_S = 1.0  # that is waited for what nothing brings back
DEATHS = 4  # of the job that kills its process
DRAINS_S, HANGS_S = 30.0, 400.0  # longer than any library's own limit for a job, but one
CRASH_AT_S, AWAY_S = 1.0, 2.0


class Column(NamedTuple):
    """``does``: what happens, in half a sentence. ``struck``: what strikes that job, or behaves.

    ``by_death``: what became of the job is for the library to bring back.
    """

    name: str
    does: str
    faults: Callable[[int], Sequence[Fault]]
    behaviour: Behaviour = "ok"
    by_death: bool = True
    drains_s: float = DRAINS_S


COLUMNS = (
    Column(
        "process killed", "the process that runs a job dies",
        lambda job: [KillProcessAt(job, "mid_job")],
    ),
    Column(
        "worker killed", "the whole worker dies, as with its host",
        lambda job: [KillAt(job, "mid_job")],
    ),
    Column(
        "killed before ack", "the process dies when the job is over and its ack is not sent",
        lambda job: [KillProcessAt(job, "after_effect")],
    ),
    Column(
        "poison", f"a job kills its process, {DEATHS} times",
        lambda job: [KillProcessAt(job, "mid_job", DEATHS)],
    ),
    Column(
        "error", "a job raises, each time", lambda job: [], behaviour="permanent", by_death=False,
    ),
    Column(
        "hang", "a job does not come back", lambda job: [], behaviour="hang", by_death=False,
        drains_s=HANGS_S,
    ),
    Column(
        "broker crash", f"the broker is killed, and back after {AWAY_S:g} s",
        lambda job: [BrokerCrash(CRASH_AT_S, AWAY_S)], by_death=False,
    ),
)  # fmt: skip


def column(name: str) -> Column:
    """The column of that name. Raises KeyError."""
    found = {one.name: one for one in COLUMNS}
    return found[name]


def plan_of(chosen: Column, seed: int, system: AppSystem) -> Plan:
    """The plan of that column for that system; the seed says which job is struck, and when."""
    rng = Random(f"{chosen.name} {seed}")
    struck = rng.randrange(1, JOBS - 1)
    faults = tuple(chosen.faults(struck))
    jobs = tuple(
        PlannedJob(
            round(EVERY_S * number + rng.uniform(0.0, EVERY_S / 2), 3),
            0,
            SERVICE_S,
            behaviour=chosen.behaviour if number == struck else "ok",
        )
        for number in range(JOBS)
    )
    recovery_s = max(LEAST_S, system.library.recovery(system.looked).seconds)
    waits_s = recovery_s * max([1, *(getattr(fault, "times", 1) for fault in faults)])
    return Plan(
        scenario="matrix",
        variant=chosen.name.replace(" ", "-"),
        seed=seed,
        queues=(Queue("default"),),
        pools=(Pool("all", ("default",), WORKERS),),
        jobs=jobs,
        faults=faults,
        guarantees=("no_lost_work", "progress_after_heal", *(["faults_hit"] if faults else [])),
        sink="keyed",
        lease_s=recovery_s,
        recovery_s=recovery_s,
        max_deliveries=NEVER_GIVES_UP,
        deadline_s=chosen.drains_s + waits_s,
        producers=1,
    )
