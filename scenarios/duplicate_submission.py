"""The same work is submitted twice: a double click, a retried request, a cron that ran twice.

The queue cannot know that two jobs mean the same unless it is told, and each way of telling it
catches something else. The same job id is caught at the door, as long as the queue remembers
it. An idempotency key is caught when the first of the two is done, but not while both run. The
outside world can recognise the key, or the effect can be one that may be repeated (set a state
instead of adding to it, insert or update instead of insert), which no window of time limits.

Here jobs are submitted again under another id, at the same moment or seconds later. Variants
``sink-key``, where the world knows the key, and ``upsert`` must hold. As a control, in
``queue-key`` the queue alone knows it: what is submitted at the same moment runs side by side,
and the check must report effects that happened twice.
"""

from __future__ import annotations

from random import Random

from ..harness.plan import KillAt, Plan, PlannedJob, Pool, Queue, Sink
from .scenario import ALWAYS, Scenario

ORIGINALS = 12
WORKERS = 3
SINKS: dict[str, Sink] = {"sink-key": "keyed", "upsert": "upsert", "queue-key": "blind"}


def build(rng: Random, seed: int, variant: str) -> Plan:
    originals = [
        PlannedJob(round(rng.uniform(0.0, 0.3), 3), 0, round(rng.uniform(0.2, 0.4), 3))
        for _ in range(ORIGINALS)
    ]
    again = []
    for index, job in enumerate(originals):
        later_s = 0.0 if index % 2 else round(rng.uniform(2.5, 3.0), 3)
        at_s = round(job.at_s + later_s, 3)
        again.append(PlannedJob(at_s, 0, job.service_s, same_work_as=index))
    victim = rng.randrange(ORIGINALS)
    return Plan(
        scenario=SCENARIO.name,
        variant=variant,
        seed=seed,
        queues=(Queue("charges"),),
        pools=(Pool("charges", ("charges",), WORKERS),),
        jobs=(*originals, *again),
        faults=(KillAt(victim, "mid_job"),),
        guarantees=ALWAYS,
        must_hit=(("worker kill", "running"),),
        sink=SINKS[variant],
        lease_s=1.0,
        max_deliveries=4,
        deadline_s=60.0,
    )


SCENARIO = Scenario(
    "duplicate-submission",
    "the same work is submitted twice, at once and later; the world knows its key",
    build,
    variants=("sink-key", "upsert", "queue-key"),
    controls={"queue-key": "no_duplicated_effects"},
)
