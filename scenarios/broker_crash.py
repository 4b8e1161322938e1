"""The queue's own server is killed, under load, and started again on the same data.

Whatever it had acknowledged must still be there: the producer has thrown its copy away, the
worker has reported success and moved on. A server that answers from memory and writes later,
or never, loses exactly what nobody else has any more.

Here the server dies twice while producers enqueue and workers hold jobs; some jobs come
before the first crash and are handed out only after it. There is a backlog long before, so that
workers hold jobs then on a machine, too, that has much else to do.
"""

from __future__ import annotations

from random import Random

from ..harness.faults.broker_crash import BrokerCrash
from ..harness.plan.plan import Plan, PlannedJob, Pool, Queue
from .scenario import ALWAYS, Scenario

EARLY, LATER = 20, 20
WORKERS = 3
LEASE_S = 1.5
DOWN_S = 0.4


def build(rng: Random, seed: int, variant: str) -> Plan:
    times = [rng.uniform(0.0, 0.4) for _ in range(EARLY)]
    times += [rng.uniform(0.4, 3.6) for _ in range(LATER)]
    jobs = tuple(
        PlannedJob(
            at_s=round(at_s, 3),
            queue=0,
            service_s=round(rng.uniform(0.3, 0.5), 3),
        )
        for at_s in times
    )
    return Plan(
        scenario=SCENARIO.name,
        variant=variant,
        seed=seed,
        queues=(Queue("orders"),),
        pools=(Pool("orders", ("orders",), WORKERS),),
        jobs=jobs,
        faults=(
            BrokerCrash(round(rng.uniform(1.7, 2.0), 3), DOWN_S),
            BrokerCrash(round(rng.uniform(3.2, 3.5), 3), DOWN_S),
        ),
        guarantees=ALWAYS,
        must_hit=(("broker crash", "running"),),
        sink="keyed",
        lease_s=LEASE_S,
        call_timeout_s=0.3,
        max_deliveries=6,
        deadline_s=60.0,
    )


SCENARIO = Scenario(
    "broker-crash",
    "the queue's server is killed under load and restarted; what it acknowledged is still there",
    build,
    rank=70,
)
