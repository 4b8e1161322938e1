"""For each broken twin the smallest plan that shows its mistake: few jobs, few faults.

Plain data, written by hand. ``needs`` is how many of the plan's faults it takes; a race, a job
that hangs and a job that fails are none. Where two or more are needed they are needed in their
order, and the plan holds as soon as one of them is left out. Where a fault has a time of its
own, the first job comes a second after the start: real producers take a while to come up.
"""

from __future__ import annotations

from typing import NamedTuple

from jobquake.harness.faults.broker_crash import BrokerCrash
from jobquake.harness.faults.fault import Fault
from jobquake.harness.faults.fields import SERVER
from jobquake.harness.faults.kill_at import KillAt
from jobquake.harness.faults.kill_worker import KillWorker
from jobquake.harness.faults.net_fault import NetFault
from jobquake.harness.faults.pause_at import PauseAt
from jobquake.harness.faults.skew_clock import SkewClock
from jobquake.harness.faults.terminate import Terminate
from jobquake.harness.plan.plan import Plan, PlannedJob, Pool, Queue, ReplayDead, Senseless
from jobquake.protocol.commands import RetryPolicy
from msgspec.structs import replace

ALONE, PAIR = (Pool("p", ("q",), 1),), (Pool("p", ("q",), 2),)
GUARANTEES = (
    "no_lost_work", "no_duplicated_effects", "no_phantoms", "bounded_deliveries",
    "leases_exclusive", "progress_after_heal",
)  # fmt: skip
WITHOUT_EFFECT = tuple(name for name in GUARANTEES if name != "no_duplicated_effects")
DAY_S = 86_400.0
WAITS_1_S = RetryPolicy(1.0, 1.0, 1.0, "none")


class Minimal(NamedTuple):
    """``disordered``: the same faults the other way round, which do no harm."""

    plan: Plan
    needs: int
    disordered: tuple[Fault, ...] = ()


def plan(*jobs: PlannedJob, **changes: object) -> Plan:
    standard = Plan(
        scenario="twin",
        variant="minimal",
        seed=1,
        queues=(Queue("q"),),
        pools=ALONE,
        jobs=jobs,
        faults=(),
        guarantees=GUARANTEES,
        sink="blind",
        max_deliveries=3,
        deadline_s=10.0,
        producers=1,
    )
    return replace(standard, **changes)


def job(at_s: float = 0.0, service_s: float = 0.1, **more: object) -> PlannedJob:
    return replace(PlannedJob(at_s, 0, service_s), **more)


def also(check: str, rest: tuple[str, ...] = GUARANTEES) -> tuple[str, ...]:
    """The guarantees, and one that says nothing unless there is something to judge."""
    return (check, *rest)


PLANS: dict[str, Minimal] = {
    # -- work that is lost --
    "twin-ack-before-run": Minimal(plan(job(), faults=(KillAt(0, "mid_job"),)), 1),
    "twin-no-lease": Minimal(plan(job(), faults=(KillAt(0, "mid_job"),)), 1),
    "twin-key-before-effect": Minimal(plan(job(), faults=(KillAt(0, "mid_job"),)), 1),
    "twin-not-durable": Minimal(
        # The second waits behind the first when the broker dies.
        plan(job(1.0, service_s=1.5), job(1.1), faults=(BrokerCrash(1.6, 0.2),)),
        1,
    ),
    "twin-replay-drops": Minimal(
        plan(job(behaviour="permanent"), job(2.5), actions=(ReplayDead(2.0),)), 0
    ),
    "twin-shutdown-drops": Minimal(
        plan(job(1.0, service_s=3.0), grace_s=0.2, faults=(Terminate((0,), 1.5, 2.0),)), 1
    ),
    "twin-pop-then-push": Minimal(plan(job(), faults=(KillAt(0, "after_lease"),)), 1),
    "twin-promotion-loses": Minimal(
        plan(job(1.0, delay_s=1.0), faults=(BrokerCrash(2.2, 0.1),)), 1
    ),
    "twin-dead-letter-after-ack": Minimal(
        # The write is lost and would be repeated; the worker dies before it is.
        plan(
            job(1.0, service_s=0.2, behaviour="permanent"),
            faults=(NetFault("nack", 1, "lose_request"), KillWorker(0, 1.3)),
            guarantees=WITHOUT_EFFECT,
        ),
        2,
        (KillWorker(0, 1.05), NetFault("nack", 1, "lose_request")),
    ),
    "twin-dead-letters-trimmed": Minimal(plan(job(behaviour="permanent"), job(1.5)), 0),
    "twin-replay-loses-on-crash": Minimal(
        plan(
            job(behaviour="permanent"),
            actions=(ReplayDead(2.0),),
            faults=(BrokerCrash(2.2, 0.1),),
            guarantees=WITHOUT_EFFECT,
        ),
        1,
    ),
    "twin-timeout-acks": Minimal(
        plan(job(behaviour="hang", timeout_s=0.5), guarantees=WITHOUT_EFFECT), 0
    ),
    # -- effects that happen twice --
    "twin-key-per-delivery": Minimal(
        plan(job(), sink="keyed", faults=(KillAt(0, "after_effect"),)), 1
    ),
    "twin-keys-seeded-alike": Minimal(plan(job(), job(0.05), pools=PAIR, sink="keyed"), 0),
    "twin-lease-too-short": Minimal(plan(job(service_s=0.6), pools=PAIR), 0),
    "twin-promotion-twice": Minimal(plan(job(delay_s=1.0), pools=PAIR), 0),
    "twin-heartbeat-blocked": Minimal(plan(job(service_s=3.0), pools=PAIR), 0),
    "twin-lease-of-the-shortest": Minimal(
        # Each of two workers meets a quick job before one of them meets the long one.
        plan(
            job(service_s=0.2, timeout_s=0.4),
            job(service_s=0.2, timeout_s=0.4),
            job(0.8, service_s=1.5),
            pools=PAIR,
        ),
        0,
    ),
    "twin-never-forgets": Minimal(
        plan(job(again_after_s=DAY_S * 1.1), wait_s=DAY_S, sink="keyed", deadline_s=2 * DAY_S), 0
    ),
    "twin-dedup-window-short": Minimal(
        # One lost answer is made good in time; the repetition must be lost, too.
        plan(
            job(),
            faults=(NetFault("enqueue", 1, "lose_reply"), NetFault("enqueue", 2, "lose_request")),
        ),
        2,
        (NetFault("enqueue", 1, "lose_request"), NetFault("enqueue", 2, "lose_reply")),
    ),
    "twin-key-after-ack": Minimal(
        plan(job(1.0), job(2.0, same_work_as=0), faults=(BrokerCrash(1.4, 0.1),)), 1
    ),
    "twin-key-not-recorded": Minimal(plan(job(), job(1.0, same_work_as=0)), 0),
    "twin-enqueue-twice": Minimal(
        plan(job(service_s=0.5), pools=PAIR, faults=(NetFault("enqueue", 1, "lose_reply"),)),
        1,
    ),
    # -- leases --
    "twin-ack-without-token": Minimal(
        plan(
            job(service_s=0.4), pools=PAIR, sink="keyed", faults=(PauseAt(0, "before_effect", 1.4),)
        ),
        1,
    ),
    "twin-reaper-reaps-living": Minimal(plan(job(service_s=2.0), pools=PAIR), 0),
    # -- retries and bounds --
    "twin-crashes-not-counted": Minimal(
        plan(job(), max_deliveries=1, faults=(KillAt(0, "mid_job"),), guarantees=WITHOUT_EFFECT), 1
    ),
    "twin-retries-counted-in-worker": Minimal(
        # The worker dies between two deliveries, with nothing in its hands.
        plan(
            job(1.0, behaviour="fail", failures=9),
            max_deliveries=2,
            retry=WAITS_1_S,
            faults=(KillWorker(0, 1.6),),
            guarantees=WITHOUT_EFFECT,
        ),
        1,
    ),
    "twin-retry-at-once": Minimal(
        plan(
            job(behaviour="fail", failures=1),
            retry=WAITS_1_S,
            guarantees=also("backoff_respected"),
        ),
        0,
    ),
    "twin-backoff-overflows": Minimal(
        # 100 ms, each time 32 times as much: the sixth is past 2**31 ms.
        plan(
            job(behaviour="fail", failures=9),
            max_deliveries=7,
            retry=RetryPolicy(0.1, 32.0, 0.3, "none"),
            guarantees=also("backoff_respected", WITHOUT_EFFECT),
        ),
        0,
    ),
    "twin-retry-in-lockstep": Minimal(
        plan(
            *(job(1.0, service_s=0.02, behaviour="fail", failures=1) for _ in range(16)),
            pools=(Pool("p", ("q",), 4),),
            retry=RetryPolicy(6.0, 1.0, 6.0, "full"),
            guarantees=also("retries_spread"),
            deadline_s=20.0,
        ),
        0,
    ),
    "twin-permanent-retried": Minimal(
        plan(job(behaviour="permanent"), guarantees=also("permanent_failures", WITHOUT_EFFECT)), 0
    ),
    "twin-reason-forgotten": Minimal(
        plan(job(behaviour="permanent"), guarantees=also("dead_letters_explained", WITHOUT_EFFECT)),
        0,
    ),
    # -- what never ends --
    "twin-no-timeout": Minimal(
        plan(
            job(behaviour="hang", timeout_s=0.5),
            max_deliveries=1,
            deadline_s=5.0,
            guarantees=also("timeouts_enforced", WITHOUT_EFFECT),
        ),
        0,
    ),
    "twin-heartbeat-outlives-job": Minimal(
        plan(
            job(behaviour="hang", timeout_s=0.5),
            max_deliveries=1,
            deadline_s=5.0,
            guarantees=WITHOUT_EFFECT,
        ),
        0,
    ),
    "twin-reaper-needs-traffic": Minimal(
        plan(job(), faults=(KillAt(0, "mid_job"),), deadline_s=5.0), 1
    ),
    "twin-reaper-lock-of-a-corpse": Minimal(
        # A dead worker, so that a round begins; a dead server within it; and a dead worker.
        plan(
            job(1.0),
            job(3.5),
            faults=(KillAt(0, "mid_job"), BrokerCrash(2.6, 0.1), KillAt(1, "mid_job")),
            deadline_s=9.0,
        ),
        3,
        (BrokerCrash(1.5, 0.1), KillAt(0, "mid_job"), KillAt(1, "mid_job")),
    ),
    # -- who waits too long --
    "twin-priority-ignored": Minimal(
        plan(
            *(job(service_s=0.3) for _ in range(6)),
            PlannedJob(0.1, 1, 0.05, priority=5),
            queues=(Queue("q"), Queue("urgent", 1.0)),
            pools=(Pool("p", ("q", "urgent"), 1),),
            guarantees=also("no_starvation"),
        ),
        0,
    ),
    "twin-priority-inverted": Minimal(
        # What comes after the urgent job overtakes it as well.
        plan(
            *(job(0.2 * n, service_s=0.3) for n in range(6)),
            PlannedJob(0.1, 1, 0.05, priority=5),
            queues=(Queue("q"), Queue("urgent", 1.0)),
            pools=(Pool("p", ("q", "urgent"), 1),),
            guarantees=also("no_starvation"),
        ),
        0,
    ),
    "twin-priority-inversion": Minimal(
        # One of no importance, the many in the middle, and an urgent one with the key of the first.
        plan(
            PlannedJob(0.1, 0, 0.05),
            *(job(service_s=0.3, priority=1) for _ in range(6)),
            PlannedJob(0.2, 1, 0.05, priority=5, same_work_as=0),
            queues=(Queue("q"), Queue("urgent", 1.0)),
            pools=(Pool("p", ("q", "urgent"), 1),),
            guarantees=also("no_starvation"),
        ),
        0,
    ),
    "twin-strict-order-starves": Minimal(
        plan(
            *(job(0.25 * n, service_s=0.3) for n in range(8)),
            PlannedJob(0.1, 1, 0.05),
            queues=(Queue("q"), Queue("mails", 1.0)),
            pools=(Pool("p", ("q", "mails"), 1),),
            guarantees=also("no_starvation"),
        ),
        0,
    ),
    "twin-prefetch-hoards": Minimal(
        # Both workers are busy when the long job and the short one come; the first takes both.
        plan(
            job(1.0, service_s=0.8),
            job(1.3, service_s=0.8),
            job(1.5, service_s=2.0),
            job(1.5),
            pools=PAIR,
            queues=(Queue("q", 1.0),),
            guarantees=also("no_starvation"),
        ),
        0,
    ),
    "twin-unbounded": Minimal(
        plan(
            *(job(service_s=0.5) for _ in range(6)),
            queues=(Queue("q", None, 2),),
            guarantees=also("backlog_bounded"),
        ),
        0,
    ),
    # -- payloads --
    "twin-payload-cut": Minimal(
        plan(job(payload_bytes=65_536), guarantees=also("payloads_intact")), 0
    ),
    "twin-payload-ends-at-nul": Minimal(
        plan(
            job(payload_bytes=3, behaviour="fail", failures=1),
            guarantees=also("payloads_intact"),
        ),
        0,
    ),
    # -- numbers that overflow --
    "twin-delay-wraps": Minimal(
        plan(
            job(delay_s=2.2e6),
            wait_s=1e5,
            deadline_s=2.3e6,
            guarantees=also("delays_respected"),
        ),
        0,
    ),
    "twin-priority-unsigned": Minimal(
        plan(
            job(service_s=0.5),
            job(0.1, priority=-1),
            job(0.1),
            guarantees=also("priorities_respected"),
        ),
        0,
    ),
    "twin-queues-by-turns": Minimal(
        plan(
            job(service_s=0.5),
            *(PlannedJob(0.1, 1, 0.5) for _ in range(2)),
            *(job(0.1, priority=5) for _ in range(2)),
            queues=(Queue("q"), Queue("mails")),
            pools=(Pool("p", ("q", "mails"), 1),),
            guarantees=also("priorities_respected"),
        ),
        0,
    ),
    "twin-newest-first": Minimal(
        plan(job(service_s=0.5), job(0.1), job(0.2), guarantees=also("order_kept")),
        0,
    ),
    "twin-repeated-ack-refused": Minimal(
        plan(
            job(),
            faults=(NetFault("ack", 1, "lose_reply"),),
            guarantees=also("holder_obeyed"),
            lease_s=5.0,
        ),
        1,
    ),
    # -- names that look alike --
    "twin-queue-case-folded": Minimal(
        # Whoever may take the first is busy when the second comes.
        plan(
            job(queue=1, service_s=1.0),
            job(0.5, queue=1),
            queues=(Queue("q"), Queue("Q")),
            pools=(Pool("p", ("q",), 1), Pool("P", ("Q",), 1)),
            guarantees=also("queues_kept"),
        ),
        0,
    ),
    "twin-id-cut": Minimal(plan(job(name="x" * 255), job(name="x" * 256)), 0),
    # -- hand-backs --
    "twin-handback-resets": Minimal(
        # It dies of its first delivery, is handed back in its second, and must not have a third.
        plan(
            job(1.0, service_s=3.0),
            grace_s=0.2,
            max_deliveries=2,
            faults=(KillAt(0, "mid_job", 3), Terminate((0,), 4.0, 2.0)),
            deadline_s=30.0,
            guarantees=WITHOUT_EFFECT,
        ),
        2,
        (Terminate((0,), 1.2, 1.0), KillAt(0, "mid_job", 2)),
    ),
    # -- words of holders and producers --
    "twin-quick-retries-refused": Minimal(
        plan(job(), job(), retry=RetryPolicy(0.1, 2.0, 0.5, "none"), guarantees=WITHOUT_EFFECT), 0
    ),
    "twin-held-told-as-new": Minimal(plan(job(service_s=1.0, again_after_s=0.2)), 0),
    "twin-late-ack-taken": Minimal(
        plan(job(), faults=(PauseAt(0, "after_effect", 1.6),), guarantees=WITHOUT_EFFECT), 1
    ),
    "twin-senseless-accepted": Minimal(
        plan(
            job(),
            actions=(Senseless(0.0, "a job with no delivery"),),
            guarantees=("senseless_refused",),
        ),
        0,
    ),
    "twin-heartbeats-refused": Minimal(plan(job(service_s=0.8), guarantees=WITHOUT_EFFECT), 0),
    "twin-acks-told-as-refused": Minimal(plan(job()), 0),
    "twin-acks-not-kept": Minimal(plan(job(), sink="keyed"), 0),
    "twin-heartbeat-without-token": Minimal(
        # The first worker freezes past its lease; when it wakes it extends the second one's.
        plan(job(service_s=3.0), pools=PAIR, sink="keyed", faults=(PauseAt(0, "mid_job", 1.5),)),
        1,
    ),
    "twin-ack-of-the-oldest": Minimal(plan(job(service_s=0.5), job(0.1), pools=PAIR), 0),
    # -- what the queue says of itself --
    "twin-leases-uncounted": Minimal(plan(job(), faults=(KillAt(0, "mid_job"),)), 1),
    # -- clocks that jump --
    "twin-lease-by-worker-clock": Minimal(
        # The second worker's clock is far ahead when it asks: the first one's lease has ended.
        plan(
            job(service_s=0.9),
            pools=PAIR,
            faults=(SkewClock(1, 0.2, 30.0, 0.5),),
            guarantees=also("leases_exclusive", WITHOUT_EFFECT),
        ),
        1,
    ),
    "twin-wall-clock": Minimal(
        plan(
            job(service_s=0.9),
            pools=PAIR,
            faults=(SkewClock(SERVER, 0.2, 30.0, 0.5),),
            guarantees=also("leases_exclusive", WITHOUT_EFFECT),
        ),
        1,
    ),
    # -- what follows a job from delivery to delivery --
    "twin-token-restarts": Minimal(
        plan(
            job(behaviour="permanent"),
            actions=(ReplayDead(2.0),),
            guarantees=also("tokens_grow", WITHOUT_EFFECT),
        ),
        0,
    ),
    "twin-handback-counts": Minimal(
        # Told to stop, its worker hands it back; there was but one delivery.
        plan(
            job(1.0, service_s=3.0),
            max_deliveries=1,
            grace_s=0.2,
            faults=(Terminate((0,), 1.5, 2.0),),
            guarantees=also("deliveries_used"),
        ),
        1,
    ),
    "twin-delay-truncated": Minimal(plan(job(delay_s=0.9), guarantees=also("delays_respected")), 0),
    "twin-delay-on-the-tick": Minimal(
        plan(job(delay_s=1.0), deadline_s=20.0, guarantees=also("delays_respected")), 0
    ),
    "twin-wakes-late": Minimal(
        plan(job(1.0, delay_s=1.0), wait_s=8.0, guarantees=also("delays_respected")), 0
    ),
    "twin-duplicate-ends-search": Minimal(
        # The duplicate and another job wait behind a long one.
        plan(
            job(service_s=2.0),
            job(0.5, same_work_as=0),
            job(1.0),
            wait_s=5.0,
            guarantees=also("ready_jobs_handed_out"),
        ),
        0,
    ),
    "twin-backoff-without-cap": Minimal(
        plan(
            job(behaviour="fail", failures=2),
            retry=RetryPolicy(1.0, 3.0, 1.0, "none"),
            deadline_s=15.0,
            guarantees=also("backoff_respected"),
        ),
        0,
    ),
    "twin-priority-lost-on-crash": Minimal(
        # Its worker dies with the urgent job, and others have come until it is taken back.
        plan(
            job(1.0, priority=5),
            *(job(1.1, service_s=0.4) for _ in range(8)),
            faults=(KillAt(0, "mid_job"),),
            guarantees=also("priorities_respected"),
            deadline_s=20.0,
        ),
        1,
    ),
    "twin-replay-unheard": Minimal(
        plan(
            job(behaviour="permanent"),
            actions=(ReplayDead(2.0),),
            guarantees=also("replays_obeyed", WITHOUT_EFFECT),
        ),
        0,
    ),
    "twin-attempts-forgotten": Minimal(
        plan(
            job(behaviour="fail", failures=9),
            max_deliveries=2,
            guarantees=also("dead_letters_listed", WITHOUT_EFFECT),
        ),
        0,
    ),
}
