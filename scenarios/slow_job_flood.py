"""A flood of slow jobs arrives, and the password-reset mail waits behind it.

Nothing fails and nothing is lost; the mail is merely sent when its reader has given up.
More workers only move the point where it happens. The cure is a pool of its own for the
latency-sensitive queue, so that the flood can fill only its own workers.

Variant ``isolated`` has that pool and must hold. Variant ``shared`` has the same number
of workers serving both queues; there the check must report starvation. Jobs outlast
their lease, so they must extend it, and the outside world does not deduplicate.
"""

from __future__ import annotations

from random import Random

from ..harness.faults.flood import Flood
from ..harness.plan.plan import Plan, PlannedJob, Pool, Queue
from .scenario import ALWAYS, Scenario

MAILS = 10
REPORTS = 24
MAIL, REPORT = 0, 1
BOUND_S = 1.0
LEASE_S = 0.9
MAIL_EVERY_S = 0.45  # one worker can do them even where a message takes 100 ms


def build(rng: Random, seed: int, variant: str) -> Plan:
    flood_at_s = 0.1
    reports = tuple(
        PlannedJob(
            at_s=round(flood_at_s + rng.uniform(0.0, 0.2), 3),
            queue=REPORT,
            service_s=round(rng.uniform(0.5, 1.0), 3),
            flood=True,
        )
        for _ in range(REPORTS)
    )
    mails = tuple(
        PlannedJob(
            at_s=round(0.8 + number * MAIL_EVERY_S + rng.uniform(0.0, 0.2), 3),
            queue=MAIL,
            service_s=0.01,
        )
        for number in range(MAILS)
    )
    isolated = (Pool("mail", ("mail",), 1), Pool("reports", ("reports",), 4))
    shared = (Pool("all", ("mail", "reports"), 5),)
    return Plan(
        scenario=SCENARIO.name,
        variant=variant,
        seed=seed,
        queues=(Queue("mail", BOUND_S), Queue("reports")),
        pools=isolated if variant == "isolated" else shared,
        jobs=reports + mails,
        faults=(Flood(flood_at_s),),
        guarantees=("no_starvation", *ALWAYS),
        must_hit=(("flood", "before lease"),),
        sink="blind",
        lease_s=LEASE_S,
        max_deliveries=3,
        deadline_s=60.0,
        producers=4,
    )


SCENARIO = Scenario(
    "slow-job-flood",
    "latency-sensitive mail behind a flood of slow reports; pools keep it fast",
    build,
    variants=("isolated", "shared"),
    controls={"shared": "no_starvation"},
    rank=30,
    main=True,
)
