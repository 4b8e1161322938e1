"""An invoice is due in thirty days, and the queue has to keep it until then.

What is kept so long outlives whatever counts in milliseconds of 31 bits, a retention that drops
what is a day old, a timer that may not be set for more than a quarter of an hour. None of it
shows in a test that waits for a second. And it outlives the server, which crashes meanwhile.

Here jobs are due at once, in a minute, an hour, a day, and a month, beside each other; the month
passes in virtual time, so this scenario runs in the simulator only. Workers that find nothing
ask again every six hours, and the server crashes on the first day.
"""

from __future__ import annotations

from random import Random

from ..harness.faults.broker_crash import BrokerCrash
from ..harness.faults.kill_at import KillAt
from ..harness.plan.plan import Plan, Pool, Queue
from .delayed_jobs import delayed
from .scenario import ALWAYS, Scenario

MINUTE_S, HOUR_S, DAY_S = 60.0, 3600.0, 86_400.0
MONTH_S = 30 * DAY_S
DELAYS_S = (MONTH_S, 8 * DAY_S, DAY_S, HOUR_S, MINUTE_S, 0.005, 0.0)
WORKERS = 2


def build(rng: Random, seed: int, variant: str) -> Plan:
    jobs = delayed(rng, DELAYS_S)
    victim = rng.randrange(len(jobs))
    return Plan(
        scenario=SCENARIO.name,
        variant=variant,
        seed=seed,
        queues=(Queue("invoices"),),
        pools=(Pool("invoices", ("invoices",), WORKERS),),
        jobs=jobs,
        faults=(
            KillAt(victim, "mid_job"),
            BrokerCrash(round(rng.uniform(HOUR_S, DAY_S), 3), MINUTE_S),
        ),
        guarantees=("delays_respected", *ALWAYS),
        must_hit=(("worker kill", "running"),),
        sink="keyed",
        lease_s=1.0,
        wait_s=6 * HOUR_S,
        max_deliveries=4,
        # Who takes the second submission for another job has it due half a month later.
        deadline_s=1.5 * MONTH_S + HOUR_S,
    )


SCENARIO = Scenario(
    "delayed-a-month",
    "a job is due in thirty days, beside others; it is kept, and runs in time",
    build,
    driver="sim",
    rank=181,
)
