"""What comes in, and how much work that is once crashes and retries are counted.

The assumptions, all of which the simulation shares:

- A job takes its own time, the same at every delivery. A delivery that fails takes as long as
  one that succeeds; whether it fails does not depend on the job or on earlier deliveries.
- Crashes strike a worker at a constant rate while it works (a Poisson process). The part of the
  work that was done is lost, the worker is away until it has restarted, and the job comes back
  when its lease has run out. A crash of an idle worker costs nobody anything and is left out.
- A job that waits for its lease to run out or for its next try occupies no worker.
- After ``max_deliveries`` a job is given up on, and is a dead letter.

Numbers only; which wait follows from them is told in ``waiting.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor

import numpy as np
from msgspec import Struct

from .times import Floats, Times

GRID = 4096
SMALL = 1e-3
ROUNDING = 1e-12


class Mishaps(Struct, frozen=True):
    """How deliveries end badly. A probability per delivery, crashes per second of work.

    ``lease_s`` after a crash, and on average ``retry_s`` after a failure, the job is ready
    again; ``restart_s`` after a crash the worker is.
    """

    failure_probability: float = 0.0
    crashes_per_s: float = 0.0
    max_deliveries: int = 4
    lease_s: float = 10.0
    retry_s: float = 1.0
    restart_s: float = 1.0

    @property
    def any(self) -> bool:
        return self.failure_probability > 0.0 or self.crashes_per_s > 0.0


NO_MISHAPS = Mishaps()


@dataclass(frozen=True)
class Traffic:
    """The jobs of one pool: times between arrivals, service times, and what goes wrong."""

    between: Times
    service: Times
    mishaps: Mishaps = NO_MISHAPS

    @property
    def jobs_per_s(self) -> float:
        return 1.0 / self.between.mean_s


@dataclass(frozen=True)
class Asked:
    """A pool to find workers for: its traffic, where that is from, how many workers it has."""

    pool: str
    traffic: Traffic
    basis: str = "as given"
    now: int | None = None


class Load(Struct, frozen=True):
    """What the workers of a pool have to carry.

    ``occupied_s`` is how long a delivery keeps a worker, restarts included, with its squared
    coefficient of variation ``occupied_scv``; ``arrival_scv`` is that of the times between
    deliveries. ``dead_letters`` is a share of the jobs.
    """

    jobs_per_s: float
    deliveries_per_job: float
    occupied_s: float
    occupied_scv: float
    arrival_scv: float
    dead_letters: float

    @property
    def deliveries_per_s(self) -> float:
        return self.jobs_per_s * self.deliveries_per_job

    @property
    def erlangs(self) -> float:
        """The mean number of busy workers, if there are enough of them."""
        return self.deliveries_per_s * self.occupied_s

    @property
    def fewest_stable(self) -> int:
        """The fewest workers with a utilisation below 1; with fewer, the backlog grows for ever."""
        return floor(self.erlangs * (1.0 + ROUNDING)) + 1

    def growth_per_s(self, workers: int) -> float:
        """Deliveries by which the backlog grows in a second; 0 if the workers keep up."""
        growth = self.deliveries_per_s - workers / self.occupied_s
        return growth if growth > ROUNDING * self.deliveries_per_s else 0.0


def load(traffic: Traffic) -> Load:
    """The load of this traffic.

    A delivery of a job that takes s ends well with probability (1 - p) exp(-k s), with p the
    failure probability and k the crash rate; f is the rest. The job is delivered
    1 + f + ... + f^(n-1) times, which is (1 - f^n) / (1 - f), and is dead with probability f^n.
    Means over s are taken on a grid of quantiles, and only as ratios to what the grid says of
    the bare service time, so that they are exact without crashes.

    Repetitions come after delays of their own, and are counted as Poisson arrivals.
    """
    mishaps, bare_s = traffic.mishaps, traffic.service.quantiles((np.arange(GRID) + 0.5) / GRID)
    struck = mishaps.crashes_per_s * bare_s
    crashes = -np.expm1(-struck)
    fails = 1.0 - (1.0 - mishaps.failure_probability) * (1.0 - crashes)
    deliveries = sum((fails**n for n in range(mishaps.max_deliveries)), np.zeros(GRID))
    per_job = float(deliveries.mean())
    # The work of a delivery is the shorter of s and the time T to a crash.
    work_s = bare_s * _first(struck)
    work_squared = bare_s**2 * _second(struck)
    crash_at_s = bare_s * struck * _second(struck) / 2.0  # E[T; T < s]
    restart_s = mishaps.restart_s
    first = work_s + restart_s * crashes
    second = work_squared + 2.0 * restart_s * crash_at_s + restart_s**2 * crashes

    def per_delivery(values: Floats) -> float:
        return float((deliveries * values).mean()) / per_job

    mean_s = traffic.service.mean_s * per_delivery(first) / float(bare_s.mean())
    exact_second = (1.0 + traffic.service.scv) * traffic.service.mean_s**2
    squared = exact_second * per_delivery(second) / float((bare_s**2).mean())
    return Load(
        jobs_per_s=traffic.jobs_per_s,
        deliveries_per_job=per_job,
        occupied_s=mean_s,
        occupied_scv=max(0.0, squared / mean_s**2 - 1.0),
        arrival_scv=(traffic.between.scv + per_job - 1.0) / per_job,
        dead_letters=float((fails**mishaps.max_deliveries).mean()),
    )


def _first(x: Floats) -> Floats:
    """(1 - exp(-x)) / x, the mean of min(1, T) for T exponential at rate x; 1 at 0."""
    safe = np.maximum(x, SMALL)
    return np.where(x < SMALL, 1.0 - x / 2.0 + x**2 / 6.0, -np.expm1(-safe) / safe)


def _second(x: Floats) -> Floats:
    """2 (1 - (1 + x) exp(-x)) / x^2, the mean of min(1, T)^2; 1 at 0."""
    safe = np.maximum(x, SMALL)
    exact = 2.0 * (1.0 - (1.0 + safe) * np.exp(-safe)) / safe**2
    return np.where(x < SMALL, 1.0 - 2.0 * x / 3.0 + x**2 / 4.0, exact)
