"""The wait for a worker, simulated: independent replications and confidence intervals.

For workers that are all alike and a queue in order of arrival, each delivery goes to the worker
that is free first; that recursion (J. Kiefer and J. Wolfowitz, On the theory of queues with many
servers, 1955) is the whole model, so a heap of the times at which workers are free simulates it
exactly, and many times as fast as the events and processes of simpy
(``benchmarks/capacity_rate.py``). simpy stays what drives plans; a test holds both against each
other, delivery by delivery. No formula is used here,
except for how long a queue that starts empty takes to forget that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from heapq import heappop, heappush, heapreplace
from itertools import repeat
from math import ceil, log, sqrt
from statistics import NormalDist, mean, stdev

import numpy as np
from msgspec import Struct

from ..errors import UsageError
from .load import Load, Mishaps, Traffic
from .times import Floats

REPLICATIONS = 20
DELIVERIES = 2_000_000
MOST = 200_000  # deliveries that a replication may take to warm up
BEYOND = 10  # waits in each replication that lie beyond the percentile
RELAXATIONS = 6.0
HARDLY = 1e-3
CHUNK = 4096
CONFIDENCE = 0.95

Redeliver = Callable[[float, float], tuple[float, float | None]]


class Interval(Struct, frozen=True):
    """An estimate, and where the true value lies with the stated confidence."""

    value: float
    low: float
    high: float

    def holds(self, value: float) -> bool:
        return self.low <= value <= self.high


class Simulated(Struct, frozen=True):
    """Waits over all replications: mean and percentile in seconds, the share that waited."""

    mean_s: Interval
    percentile_s: Interval
    waited: Interval
    deliveries: int


class TooLong(UsageError):
    """So near to saturation, or so many workers, that no reasonable run forgets its start."""


def simulate(
    traffic: Traffic,
    load: Load,
    workers: int,
    share: float,
    seed: int,
    *,
    confidence: float = CONFIDENCE,
    replications: int = REPLICATIONS,
    deliveries: int = DELIVERIES,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Simulated:
    """Simulate the pool, and estimate the ``share`` percentile (0 to 1) and the mean of the wait.

    Each replication draws from a generator of its own, starts empty, and is measured after its
    warm-up. Together they measure ``deliveries``, or more where the queue forgets slowly or the
    percentile is rare. The intervals are Student's over the replications. ``load`` is that of
    the traffic. ``progress`` is called with the replications that are done and their number.
    Raises :class:`TooLong` if the warm-up or the percentile takes too many deliveries.
    """
    again_s = redelivered_within_s(traffic.mishaps, load)
    warm_up = forgotten_after(load, workers) + ceil(load.deliveries_per_s * again_s)
    rare = ceil(BEYOND / (1.0 - share))
    if max(warm_up, rare) > MOST:
        raise TooLong(f"{warm_up} deliveries to warm up, {rare} to see the percentile")
    measured = max(deliveries // replications, min(4 * warm_up, MOST), rare)
    # Deliveries are fewer at first, while the first jobs are not yet ready again.
    jobs = ceil((warm_up + measured) / load.deliveries_per_job + load.jobs_per_s * again_s)
    figures, seen = [], 0
    for number in range(replications):
        rng = np.random.default_rng([seed, number])
        arrivals = np.cumsum(traffic.between.draw(rng, jobs)).tolist()
        services = traffic.service.draw(rng, jobs).tolist()
        if traffic.mishaps.any:
            fates = redeliveries(traffic.mishaps, rng)
            waited = waits_with_redelivery(
                arrivals, services, workers, fates, traffic.mishaps.max_deliveries
            )
        else:
            waited = waits(arrivals, services, workers)
        waits_s = np.array(waited[warm_up:])
        seen += len(waits_s)
        figures.append(
            (waits_s.mean(), np.quantile(waits_s, share), np.count_nonzero(waits_s) / len(waits_s))
        )
        progress(number + 1, replications)
    means, percentiles, shares = zip(*figures, strict=True)
    return Simulated(
        interval(means, confidence),
        interval(percentiles, confidence),
        interval(shares, confidence),
        seen,
    )


def waits(arrivals_s: Iterable[float], services_s: Iterable[float], workers: int) -> list[float]:
    """Each job's wait in seconds, in order of arrival; every job is delivered once."""
    free = [0.0] * workers
    waited = []
    for arrival, service in zip(arrivals_s, services_s, strict=True):
        start = free[0]
        if start < arrival:
            start = arrival
        heapreplace(free, start + service)
        waited.append(start - arrival)
    return waited


def waits_with_redelivery(
    arrivals_s: Iterable[float],
    services_s: Iterable[float],
    workers: int,
    fate: Redeliver,
    max_deliveries: int,
) -> list[float]:
    """Each delivery's wait in seconds, in the order in which they were ready.

    ``fate`` is asked with the start and the service time of a delivery; it says when the worker
    is free again, and when the job is ready again (None: it is done).
    """
    free = [0.0] * workers
    again: list[tuple[float, int, float]] = []  # ready at, deliveries so far, service time
    waited = []

    def deliver(ready: float, number: int, service: float) -> None:
        start = max(free[0], ready)
        waited.append(start - ready)
        free_at, ready_at = fate(start, service)
        heapreplace(free, free_at)
        if ready_at is not None and number < max_deliveries:
            heappush(again, (ready_at, number, service))

    for arrival, service in zip(arrivals_s, services_s, strict=True):
        while again and again[0][0] <= arrival:
            ready, number, repeated = heappop(again)
            deliver(ready, number + 1, repeated)
        deliver(arrival, 1, service)
    return waited


def redeliveries(mishaps: Mishaps, rng: np.random.Generator) -> Redeliver:
    """What becomes of each delivery, by the assumptions that ``load.py`` states."""
    rate = mishaps.crashes_per_s
    crashes = _stream(lambda n: rng.exponential(1.0 / rate, n)) if rate else repeat(float("inf"))
    failures = _stream(rng.random)
    delays = _stream(lambda n: rng.exponential(mishaps.retry_s, n))

    def fate(start: float, service: float) -> tuple[float, float | None]:
        crash = next(crashes)
        if crash < service:
            return start + crash + mishaps.restart_s, start + crash + mishaps.lease_s
        end = start + service
        return end, end + next(delays) if next(failures) < mishaps.failure_probability else None

    return fate


def redelivered_within_s(mishaps: Mishaps, load: Load) -> float:
    """The seconds after which hardly a job is still to come again."""
    fails = 1.0 - 1.0 / load.deliveries_per_job
    if fails <= 0.0:
        return 0.0
    lease_s = mishaps.lease_s if mishaps.crashes_per_s else 0.0
    repetitions = min(mishaps.max_deliveries - 1, ceil(log(HARDLY) / log(fails)))
    return repetitions * max(lease_s, 3.0 * mishaps.retry_s)


def forgotten_after(load: Load, workers: int) -> int:
    """How many deliveries a queue that starts empty needs to forget that.

    Several times the relaxation time, which is at most (Ca^2 + Cs^2) / (2.8 m (1 - sqrt(u))^2)
    for a service rate m of all workers and utilisation u (A. R. Odoni and E. Roth, An empirical
    investigation of the transient behavior of stationary queueing systems, Operations Research
    31, 1983), and at least a few turns of every worker.
    """
    used = load.erlangs / workers
    scatter = max(1.0, load.arrival_scv + load.occupied_scv)
    relaxation = scatter * used / (2.8 * (1.0 - sqrt(used)) ** 2)
    return ceil(max(100.0, 10.0 * workers, RELAXATIONS * relaxation))


def interval(values: Iterable[float], confidence: float) -> Interval:
    """The mean of independent values, with Student's interval. No value can be negative."""
    figures = [float(value) for value in values]
    middle = mean(figures)
    half = student_t(confidence, len(figures) - 1) * stdev(figures) / sqrt(len(figures))
    return Interval(middle, max(0.0, middle - half), middle + half)


def student_t(confidence: float, freedom: int) -> float:
    """The two-sided quantile of Student's t, to four digits from ten degrees of freedom on.

    Source: M. Abramowitz and I. A. Stegun, Handbook of Mathematical Functions, 26.7.5.
    """
    z = NormalDist().inv_cdf((1.0 + confidence) / 2.0)
    terms = (
        (z**3 + z) / 4.0,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96.0,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384.0,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160.0,
    )
    quantile = z
    for power, term in enumerate(terms, 1):
        quantile += term / float(freedom) ** power
    return quantile


def _stream(draw: Callable[[int], Floats]) -> Iterator[float]:
    while True:
        yield from draw(CHUNK).tolist()
