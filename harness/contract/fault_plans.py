"""The plans of the contract: for each way of failing one small plan that stages just it.

Each is made so that its faults must strike (``must_hit``, or the contract looks whether they
did), in the simulator and on real processes alike. They are run with the adapter's own worker.
"""

from __future__ import annotations

from msgspec.structs import replace

from ...protocol.commands import Jitter, RetryPolicy
from ...protocol.events import PHASE_AT, PHASES
from ...protocol.worker import Point
from ..faults.broker_crash import BrokerCrash
from ..faults.fault import Fault
from ..faults.fields import Call, NetEffect
from ..faults.flood import Flood
from ..faults.kill_at import KillAt
from ..faults.kill_worker import KillWorker
from ..faults.net_fault import NetFault
from ..faults.net_timeout import NetTimeout
from ..faults.outage import Outage
from ..faults.partition import Partition
from ..faults.pause_at import PauseAt
from ..faults.slow_network import SlowNetwork
from ..faults.terminate import Terminate
from ..plan.guarantees import ALWAYS
from ..plan.plan import Plan, PlannedJob, Pool, Queue, ReplayDead

MAX_DELIVERIES = 3
LEASE_S = 1.0
JOB = PlannedJob(0.0, 0, 0.1)
LATE_S = 0.8  # longer than a caller waits
LONG_BACKOFF = RetryPolicy(4.0, 2.0, 6.0, "equal")


def plan(
    name: str,
    *faults: Fault,
    jobs: tuple[PlannedJob, ...] = (JOB,) * 4,
    guarantees: tuple[str, ...] = (),
    must_hit: tuple[tuple[str, str], ...] = (),
) -> Plan:
    """Two workers on one queue, these jobs and faults, and what must always hold besides."""
    return Plan(
        scenario=f"contract {name}",
        variant="default",
        seed=0,
        queues=(Queue("orders"),),
        pools=(Pool("orders", ("orders",), 2),),
        jobs=jobs,
        faults=faults,
        guarantees=(*guarantees, *ALWAYS, "faults_hit"),
        must_hit=must_hit,
        lease_s=LEASE_S,
        max_deliveries=MAX_DELIVERIES,
        deadline_s=60.0,
    )


def kill(point: Point, deliveries: int) -> Plan:
    """The worker dies at this point in each of the first ``deliveries`` of a job."""
    cell = ("worker kill", PHASES[PHASE_AT[point]])
    return plan(f"kill {point}", KillAt(0, point, deliveries), must_hit=(cell,))


def zombie(point: Point) -> Plan:
    """A worker stands still at this point until others have had its job."""
    cell = ("worker pause", PHASES[PHASE_AT[point]])
    return plan(f"zombie {point}", PauseAt(0, point, 5 * LEASE_S), must_hit=(cell,))


def struck_call(call: Call, how: NetEffect) -> Plan:
    """The first and a later call of this kind meet a fault, in a run that makes such calls."""
    delay_s = LATE_S if how == "delay" else 0.0
    faults: list[Fault] = [NetFault(call, nth, how, delay_s) for nth in (1, 3)]
    whole = plan(f"{call} {how}")
    jobs = whole.jobs
    if call == "nack":
        jobs = tuple(replace(JOB, behaviour="fail", failures=1) for _ in jobs)
    if call == "extend":
        jobs = tuple(replace(JOB, service_s=1.6 * LEASE_S) for _ in jobs)
    if call == "release":
        jobs = tuple(replace(JOB, service_s=4.0) for _ in jobs)
        faults.append(Terminate((0, 1), 0.5, 3.0))
    if call in ("dead", "replay"):
        jobs = tuple(replace(JOB, behaviour="malformed") for _ in jobs)
        faults.append(Outage(0.0, 1.0))
        whole = replace(whole, actions=(ReplayDead(2.0), ReplayDead(6.0)))
    return replace(whole, jobs=jobs, faults=tuple(faults), grace_s=0.2, max_deliveries=6)


def poison() -> Plan:
    """One job kills its worker, every time; the others are innocent."""
    return plan(
        "poison",
        KillAt(0, "mid_job", 4 * MAX_DELIVERIES),
        must_hit=(("worker kill", "running"),),
    )


def permanent() -> Plan:
    """Two jobs can never succeed."""
    broken = replace(JOB, behaviour="permanent")
    return plan("permanent", jobs=(broken, JOB, broken, JOB), guarantees=("permanent_failures",))


def explained() -> Plan:
    """The same, looked at by whoever has to mend it."""
    return replace(permanent(), guarantees=("dead_letters_explained", *ALWAYS, "faults_hit"))


def given_up() -> Plan:
    """The call that gives a job up is lost, and its worker dies before it can repeat it."""
    return plan(
        "given up",
        NetFault("nack", 1, "lose_request", times=2),
        *(KillWorker(worker, 0.3) for worker in (0, 1)),
        jobs=(replace(JOB, behaviour="permanent"), replace(JOB, at_s=4.0)),
        guarantees=("permanent_failures",),
        must_hit=(("worker kill", "running"),),
    )


def replayed() -> Plan:
    """Malformed jobs are replayed before the fix and after it."""
    broken = replace(JOB, behaviour="malformed")
    return replace(
        plan(
            "replay",
            Outage(0.0, 2.0),
            jobs=(broken,) * 4,
            guarantees=("permanent_failures",),
            must_hit=(("outage", "running"),),
        ),
        actions=(ReplayDead(1.0), ReplayDead(3.0)),
    )


def stuck() -> Plan:
    """Jobs hang: in Python, in C, in a loop that swallows everything."""
    hang = replace(JOB, timeout_s=0.7)
    ways = tuple(replace(hang, behaviour=way) for way in ("hang", "hang_in_c", "spin"))
    return plan("stuck", jobs=(*ways, JOB, JOB), guarantees=("timeouts_enforced",))


def long_jobs() -> Plan:
    """Jobs outlast their lease, no fault strikes, and the world recognises no repetition."""
    jobs = (replace(JOB, service_s=2.6 * LEASE_S),) * 3
    return replace(plan("long jobs", jobs=jobs), sink="blind")


def backoff() -> Plan:
    """A few jobs fail twice; their policy makes them wait."""
    jobs = tuple(replace(JOB, behaviour="fail", failures=2) for _ in range(4))
    return replace(
        plan("backoff", jobs=jobs, guarantees=("backoff_respected",)),
        retry=RetryPolicy(0.5, 2.0, 4.0, "equal"),
    )


def crowd(jitter: Jitter = "equal") -> Plan:
    """What forty-eight jobs depend on is down, and all of them fail at the same moment."""
    jobs = tuple(PlannedJob(0.0, 0, 0.004, "depends") for _ in range(48))
    return replace(
        plan("crowd", Outage(0.0, 2.6), jobs=jobs, guarantees=("retries_spread",)),
        retry=replace(LONG_BACKOFF, jitter=jitter),
        lease_s=2.0,
        call_timeout_s=1.0,
        max_deliveries=8,
    )


def flood() -> Plan:
    """Slow reports flood their own queue and pool; the mail has a pool to itself."""
    reports = tuple(PlannedJob(0.1, 1, 0.8, flood=True) for _ in range(8))
    mails = tuple(PlannedJob(0.5 + index / 4, 0, 0.01) for index in range(6))
    return replace(
        plan("flood", Flood(0.1), jobs=reports + mails, guarantees=("no_starvation",)),
        queues=(Queue("mail", bound_s=1.0), Queue("reports")),
        pools=(Pool("mail", ("mail",), 1), Pool("reports", ("reports",), 2)),
        must_hit=(("flood", "before lease"),),
    )


def urgent() -> Plan:
    """Urgent jobs come behind a burst, in the same pool, with a higher priority."""
    burst = tuple(PlannedJob(0.0, 0, 0.4, flood=True) for _ in range(20))
    jobs = tuple(PlannedJob(0.5 + index / 4, 1, 0.01, priority=10) for index in range(3))
    return replace(
        plan("urgent", Flood(0.0), jobs=burst + jobs, guarantees=("no_starvation",)),
        queues=(Queue("thumbnails"), Queue("checkout", bound_s=1.0)),
        pools=(Pool("all", ("thumbnails", "checkout"), 2),),
        must_hit=(("flood", "before lease"),),
    )


def overload() -> Plan:
    """More arrives than can be done, in a queue that may hold four."""
    jobs = tuple(PlannedJob(index / 50, 0, 0.3, flood=True) for index in range(24))
    return replace(
        plan("too much", Flood(0.0), jobs=jobs, guarantees=("backlog_bounded",)),
        queues=(Queue("orders", max_waiting=4),),
    )


def shutdown() -> Plan:
    """Half of the workers are told to stop, then the other half; the jobs are long."""
    return replace(
        plan(
            "shutdown",
            Terminate((0,), 0.5, 1.5),
            Terminate((1,), 2.5, 1.5),
            jobs=(replace(JOB, service_s=3.0),) * 4,
            must_hit=(("worker told to stop", "running"),),
        ),
        grace_s=0.2,
    )


def crash() -> Plan:
    """The queue's server dies while jobs wait and others are held, and comes back."""
    fault = BrokerCrash(1.5, 0.4)
    # Long, so that real workers surely hold some then; the later ones, where jobs are made shorter.
    jobs = tuple(replace(JOB, at_s=at_s, service_s=2.0) for at_s in (0.0, 0.7, 1.2, 1.4))
    return plan("crash", fault, jobs=jobs, must_hit=(("broker crash", "running"),))


def cut_off() -> list[Plan]:
    """The network fails for a while: for some, for all, and not quite."""
    faults: tuple[Fault, ...] = (
        Partition((0,), 0.4, 3 * LEASE_S),
        NetTimeout(0.4, 2 * LEASE_S),
        SlowNetwork(0.4, 1.0, 0.1),
        SlowNetwork(0.4, 1.0, LATE_S),
    )
    jobs = (replace(JOB, service_s=0.7),) * 4
    return [
        plan(fault.kind, fault, jobs=jobs, must_hit=((fault.kind, "running"),)) for fault in faults
    ]


def submitted_twice() -> Plan:
    """The same work under two job ids, at once and later; the world knows its key."""
    again = [replace(JOB, at_s=at_s, same_work_as=0) for at_s in (0.0, 3.0)]
    return plan("submitted twice", jobs=(JOB, *again))


def patient() -> Plan:
    """The workers wait long, and are idle when a delay and a backoff are over."""
    jobs = (
        replace(JOB, at_s=1.0, delay_s=2.5),
        replace(JOB, at_s=1.0, behaviour="fail", failures=1),
    )
    guarantees = ("delays_respected", "backoff_respected")
    whole = plan("patient workers", jobs=jobs, guarantees=guarantees)
    return replace(whole, wait_s=20.0, retry=LONG_BACKOFF)
