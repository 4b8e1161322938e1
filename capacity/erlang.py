"""Erlang's formulas: how likely a delivery waits for a worker, and for how long.

Pure functions of numbers. They know nothing of service times that are not exponential; the
correction for those is chosen in ``waiting.py``.

Loads are in erlangs: deliveries per second times seconds of work per delivery, which is the
mean number of busy workers.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log


def erlang_b(workers: int, erlangs: float) -> float:
    """The probability that all workers are busy when nobody may wait (M/M/c/c).

    The recursion 1/B(c) = 1 + (c / a) / B(c - 1), B(0) = 1, which adds positive numbers only
    and so loses no digits. Source: A. K. Erlang, 1917; the recursion as in R. B. Cooper,
    Introduction to Queueing Theory, 2nd ed., 1981, chapter 3.
    """
    if erlangs <= 0.0:
        return 0.0 if workers else 1.0
    inverse = 1.0
    for count in range(1, workers + 1):
        inverse = 1.0 + count / erlangs * inverse  # may reach infinity: then B is 0
    return 1.0 / inverse


def erlang_c(workers: int, erlangs: float) -> float:
    """The probability that a delivery has to wait (M/M/c); 1 if the load is too much.

    C = B / (1 - u (1 - B)) with the utilisation u = a / c. Source: A. K. Erlang, 1917; Cooper,
    chapter 3.
    """
    if erlangs >= workers:
        return 1.0
    blocked = erlang_b(workers, erlangs)
    return blocked / (1.0 - erlangs / workers * (1.0 - blocked))


@dataclass(frozen=True)
class ExponentialWait:
    """A wait that is zero or, with ``probability``, exponential with mean ``when_waiting_s``.

    The waiting time of M/M/c in order of arrival is exactly of this form:
    P(W > t) = C exp(-(c / s - r) t) for deliveries at rate r that take s (Cooper, chapter 3).
    """

    probability: float
    when_waiting_s: float

    @property
    def mean_s(self) -> float:
        return self.probability * self.when_waiting_s

    def longer_than(self, wait_s: float) -> float:
        """The probability that a delivery waits longer than ``wait_s`` seconds."""
        if self.when_waiting_s <= 0.0:
            return 0.0
        return self.probability * exp(-wait_s / self.when_waiting_s)

    def percentile_s(self, share: float) -> float:
        """The wait in seconds that the ``share`` (0 to 1) of the deliveries does not exceed."""
        if self.probability <= 1.0 - share:
            return 0.0
        return self.when_waiting_s * log(self.probability / (1.0 - share))


def mmc(workers: int, rate_per_s: float, service_s: float) -> ExponentialWait:
    """The wait in M/M/c, exactly. Needs ``rate_per_s * service_s < workers``."""
    erlangs = rate_per_s * service_s
    return ExponentialWait(erlang_c(workers, erlangs), service_s / (workers - erlangs))
