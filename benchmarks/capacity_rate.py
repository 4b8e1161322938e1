"""How fast capacity is computed: worker counts a second by formula, deliveries by simulation.

One evaluation takes a load and a number of workers, and gives the probability of waiting longer
than the bound, which is what the search asks; the second figure has the 95th percentile with it,
which the table and the picture show. The simulation's recursion runs beside the same queue in
simpy, on the same arrivals and service times, and must give the same waits.

    python benchmarks/capacity_rate.py [--seconds S]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Generator, Iterator
from itertools import cycle
from typing import Any

import numpy as np
import simpy
from jobquake.capacity.load import Load, Traffic, load
from jobquake.capacity.simulate import waits
from jobquake.capacity.times import Deterministic, Exponential, Lognormal, Times
from jobquake.capacity.waiting import Formula, formula, wait

BOUND_S, SHARE = 0.5, 0.95
DELIVERIES, WORKERS = 50_000, 10


def counts(carried: Load) -> Iterator[int]:
    """Worker counts from the first that is stable, over the range that a search goes through."""
    first = carried.fewest_stable
    return cycle(range(first, first + max(10, first // 5)))


def evaluations_per_s(best: Formula, carried: Load, for_s: float, percentile: bool) -> float:
    start = time.perf_counter()
    for done, workers in enumerate(counts(carried), 1):
        waited = wait(best, carried, workers)
        waited.longer_than(BOUND_S)
        if percentile:
            waited.percentile_s(SHARE)
        if (passed_s := time.perf_counter() - start) > for_s:
            return done / passed_s
    raise AssertionError("counts go on for ever")


def in_simpy(arrivals_s: list[float], services_s: list[float], workers: int) -> list[float]:
    """The same queue as a simpy resource and a process for each job."""
    env = simpy.Environment()
    pool = simpy.Resource(env, workers)
    waited = [0.0] * len(arrivals_s)

    def job(number: int, service_s: float) -> Generator[simpy.Event, Any, None]:
        with pool.request() as turn:
            yield turn
            waited[number] = env.now - arrivals_s[number]
            yield env.timeout(service_s)

    def source() -> Generator[simpy.Event, Any, None]:
        for number, (at_s, service_s) in enumerate(zip(arrivals_s, services_s, strict=True)):
            yield env.timeout(at_s - env.now)
            env.process(job(number, service_s))

    env.process(source())
    env.run()
    return waited


def deliveries_per_s(run: Callable[[], list[float]]) -> tuple[float, list[float]]:
    start = time.perf_counter()
    waited = run()
    return len(waited) / (time.perf_counter() - start), waited


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=1.0, help="for each figure")
    for_s = parser.parse_args().seconds
    for erlangs in (8.0, 95.0, 950.0):
        services: list[Times] = [Exponential(0.2), Lognormal(0.2, 4.0), Deterministic(0.2)]
        for service in services:
            traffic = Traffic(Exponential(0.2 / erlangs), service)
            carried, best = load(traffic), formula(traffic)
            bare, whole = (
                evaluations_per_s(best, carried, for_s, with_it) for with_it in (False, True)
            )
            print(
                f"{best.name}, {erlangs:g} erlangs: {bare:,.0f} worker counts/s, "
                f"{whole:,.0f} with the percentile"
            )
    rng = np.random.default_rng(0)
    arrivals = np.cumsum(rng.exponential(1 / 40, DELIVERIES)).tolist()
    service_times = rng.exponential(0.2, DELIVERIES).tolist()
    ours, mine = deliveries_per_s(lambda: waits(arrivals, service_times, WORKERS))
    theirs, simpys = deliveries_per_s(lambda: in_simpy(arrivals, service_times, WORKERS))
    assert np.allclose(mine, simpys, atol=1e-6), "both must give the same waits"
    print(
        f"simulation: {ours:,.0f} deliveries/s; bare simpy {theirs:,.0f} deliveries/s, "
        f"the same waits; ratio {ours / theirs:.0f}"
    )


if __name__ == "__main__":
    main()
