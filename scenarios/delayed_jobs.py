"""Jobs are due later: a reminder in a second, a follow-up in three, and one that is due now.

A delay is a promise to two sides. Whoever runs the job early sends the reminder before the
meeting was made; whoever runs it late, after it. It goes wrong where delays meet: a short one
that waits behind a longer one, one that begins anew because its producer asked again, one that
is waited for a second time when its worker has died. And a worker that sleeps until it is woken
sleeps on, if nobody thinks of it when a delay is over.

Here jobs with delays from five milliseconds to four seconds are submitted, the longest first.
Some are submitted again while they wait, some fail once, and some lose their worker; workers
ask for a job and wait for it up to twenty seconds.
"""

from __future__ import annotations

from random import Random

from ..harness.faults.kill_at import KillAt
from ..harness.plan.plan import Plan, PlannedJob, Pool, Queue
from .scenario import ALWAYS, Scenario

DELAYS_S = (4.0, 2.5, 1.5, 0.7, 0.2, 0.05, 0.005, 0.0)
EACH = 3
WORKERS = 4
WAIT_S = 20.0


def delayed(rng: Random, delays_s: tuple[float, ...]) -> tuple[PlannedJob, ...]:
    """For each delay one that is submitted again half way, one that fails once, and a plain one.

    The longest comes first, in the order of ``delays_s``.
    """
    jobs = []
    for delay_s in delays_s:
        at_s, again_s = round(rng.uniform(0.0, 0.3), 3), round(delay_s / 2, 3)
        service_s = round(rng.uniform(0.02, 0.06), 3)
        plain = PlannedJob(at_s, 0, service_s, delay_s=delay_s)
        again = PlannedJob(at_s, 0, service_s, delay_s=delay_s, again_after_s=again_s or None)
        flaky = PlannedJob(at_s, 0, service_s, "fail", failures=1, delay_s=delay_s)
        jobs += [plain, again, flaky]
    return tuple(sorted(jobs, key=lambda job: -job.delay_s))


def build(rng: Random, seed: int, variant: str) -> Plan:
    jobs = delayed(rng, DELAYS_S)
    victims = rng.sample(range(len(jobs)), 2)
    return Plan(
        scenario=SCENARIO.name,
        variant=variant,
        seed=seed,
        queues=(Queue("reminders"),),
        pools=(Pool("reminders", ("reminders",), WORKERS),),
        jobs=jobs,
        faults=tuple(KillAt(job, "after_lease") for job in victims),
        guarantees=("delays_respected", *ALWAYS),
        must_hit=(("worker kill", "leased"),),
        sink="keyed",
        lease_s=1.0,
        wait_s=WAIT_S,
        max_deliveries=4,
        deadline_s=60.0,
    )


SCENARIO = Scenario(
    "delayed-jobs",
    "delays of milliseconds and of seconds beside each other; each job runs when it is due",
    build,
    rank=161,
)
