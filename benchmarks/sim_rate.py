"""How fast the simulator is: jobs and 30-job schedules per second, beside bare simpy.

Both sides run in this process, in turn, on the same plans, and each figure is the median
of several rounds. The bare model has the same topology and nothing else: the same
producers, workers, arrival times and service times, a simpy store for the queue, and one
timeout for each network hop, each half of a job and each arrival. It has no leases, no
ledger, no faults and no checks. Ours runs the reference queue with its real worker, writes
the history, injects the plan's faults, and holds every check of the harness against it.

    python benchmarks/sim_rate.py [--rounds N] [--profile]
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import time
from collections.abc import Callable, Generator
from random import Random
from statistics import median
from typing import Any

import simpy
from jobquake.backends import registry
from jobquake.harness.checks import GUARANTEES
from jobquake.harness.drivers.sim import simulate
from jobquake.harness.faults.fault import Fault
from jobquake.harness.faults.kill_at import KillAt
from jobquake.harness.faults.net_fault import NetFault
from jobquake.harness.plan.plan import Plan, PlannedJob, Pool, Queue
from jobquake.harness.result import judge

JOBS = 30
WORKERS = 4
SCHEDULES = 200


def schedule(seed: int, jobs: int = JOBS, faults: bool = True) -> Plan:
    """A plan of ``jobs`` jobs on four workers, with a kill, a lost ack and a lost lease."""
    rng = Random(seed)
    spread_s = jobs / 20
    planned = tuple(
        PlannedJob(round(rng.uniform(0, spread_s), 3), 0, round(rng.uniform(0.02, 0.2), 3))
        for _ in range(jobs)
    )
    struck: tuple[Fault, ...] = (
        KillAt(rng.randrange(jobs), "after_effect"),
        NetFault("ack", rng.randrange(1, jobs), "lose_reply"),
        NetFault("lease", rng.randrange(1, jobs), "lose_reply"),
    )
    return Plan(
        scenario="benchmark",
        variant="default",
        seed=seed,
        queues=(Queue("work", bound_s=60.0),),
        pools=(Pool("work", ("work",), WORKERS),),
        jobs=planned,
        faults=struck if faults else (),
        guarantees=GUARANTEES,
        deadline_s=spread_s + 60.0,
    )


def bare(plan: Plan) -> float:
    """The same topology in plain simpy; the virtual time at which the last job was done."""
    env = simpy.Environment()
    queue = simpy.Store(env)
    left = len(plan.jobs)
    over = env.event()

    def producer(number: int) -> Generator[simpy.Event, Any, None]:
        mine = sorted(
            (job.at_s, index)
            for index, job in enumerate(plan.jobs)
            if index % plan.producers == number
        )
        for at_s, index in mine:
            if at_s > env.now:
                yield env.timeout(at_s - env.now)
            yield env.timeout(plan.latency_s)  # the enqueue travels
            queue.put(index)
            yield env.timeout(plan.latency_s)  # its answer travels

    def worker() -> Generator[simpy.Event, Any, None]:
        nonlocal left
        while True:
            yield env.timeout(plan.latency_s)  # the lease request
            index = yield queue.get()
            yield env.timeout(plan.latency_s)  # the job
            half_s = plan.jobs[index].service_s / 2
            yield env.timeout(half_s)
            yield env.timeout(half_s)
            yield env.timeout(plan.latency_s)  # the ack
            left -= 1
            if left == 0:
                over.succeed()
            yield env.timeout(plan.latency_s)  # its answer

    for number in range(plan.producers):
        env.process(producer(number))
    for _ in range(WORKERS):
        env.process(worker())
    env.run(until=over)
    return float(env.now)


def ours(plan: Plan) -> None:
    adapter = registry.find("reference")
    result = judge(plan, adapter, simulate(plan, adapter), "sim")
    # Some checks find nothing to judge here, such as the one of full queues.
    assert result.verdict != "violated", result.sentence


def seconds(work: Callable[[Plan], object], plans: list[Plan]) -> float:
    start = time.perf_counter()
    for plan in plans:
        work(plan)
    return time.perf_counter() - start


def compare(title: str, plans: list[Plan], rounds: int) -> None:
    """Run both sides in turn, ``rounds`` times, and print medians and the median ratio."""
    seconds(ours, plans[:3])
    pairs = [(seconds(bare, plans), seconds(ours, plans)) for _ in range(rounds)]
    jobs = sum(len(plan.jobs) for plan in plans)
    theirs, mine = (median(side) for side in zip(*pairs, strict=True))
    ratio = median(b / o for b, o in pairs)
    print(
        f"{title}: {len(plans) / mine:,.0f} schedules/s, {jobs / mine:,.0f} jobs/s; "
        f"bare simpy {len(plans) / theirs:,.0f} schedules/s, {jobs / theirs:,.0f} jobs/s; "
        f"ratio {ratio:.2f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--profile", action="store_true", help="where the time goes")
    arguments = parser.parse_args()
    plans = [schedule(seed) for seed in range(SCHEDULES)]
    if arguments.profile:
        with cProfile.Profile() as profile:
            seconds(ours, plans)
        pstats.Stats(profile).sort_stats("tottime").print_stats(35)
        return
    compare("30-job schedules, all checks", plans, arguments.rounds)
    compare("one schedule of 3,000 jobs, all checks", [schedule(0, 3000)], arguments.rounds)


if __name__ == "__main__":
    main()
