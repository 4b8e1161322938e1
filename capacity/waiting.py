"""Which formula applies to a load, how exact it is, and what it says.

    arrivals   service         formula                                   exact
    Poisson    exponential     M/M/c: Erlang C                           yes
    Poisson    deterministic   M/D/c: Crommelin, Franx                   yes
    Poisson    any             M/G/c: Erlang C, waits x (1 + Cs^2) / 2   the mean, if c = 1
    any        any             G/G/c: Erlang C, waits x (Ca^2 + Cs^2)/2  no

Nothing is simulated here.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Protocol

from msgspec import Struct

from .constant import mdc
from .erlang import ExponentialWait, mmc
from .load import Load, Traffic
from .times import Deterministic, Exponential


class Wait(Protocol):
    """A waiting time. Shares and probabilities go from 0 to 1."""

    @property
    def mean_s(self) -> float: ...
    def longer_than(self, wait_s: float) -> float: ...
    def percentile_s(self, share: float) -> float: ...


class Formula(Struct, frozen=True):
    """A formula's name, where it comes from, and whether it is exact for this traffic."""

    name: str
    source: str
    exact: bool


MMC = Formula(
    "M/M/c, Erlang C", "A. K. Erlang, 1917; R. B. Cooper, Introduction to Queueing Theory", True
)
MDC = Formula("M/D/c", "C. D. Crommelin, 1932; G. J. Franx, 2001", True)
MGC = Formula(
    "M/G/c, Erlang C with waits scaled by (1 + Cs^2) / 2",
    "A. M. Lee and P. A. Longton, 1959; for one worker F. Pollaczek and A. Y. Khinchine",
    False,
)
GGC = Formula(
    "G/G/c, Erlang C with waits scaled by (Ca^2 + Cs^2) / 2",
    "Allen and Cunneen, in A. O. Allen, Probability, Statistics, and Queueing Theory",
    False,
)


def formula(traffic: Traffic) -> Formula:
    """The best formula there is for this traffic.

    Crashes and retries change the service times and make the arrivals only nearly Poisson:
    then nothing is exact.
    """
    if not isinstance(traffic.between, Exponential):
        return GGC
    if traffic.mishaps.any:
        return MGC
    if isinstance(traffic.service, Exponential):
        return MMC
    return MDC if isinstance(traffic.service, Deterministic) else MGC


def wait(formula: Formula, load: Load, workers: int) -> Wait:
    """The wait of a delivery for a worker by that formula.

    The scaled formulas take Erlang C for the probability of waiting, and an exponential wait of
    those who wait, its mean that of M/M/c times the correction. For one worker and Poisson
    arrivals the probability and the mean are then exact, and the percentile is not.

    Raises ValueError if the workers cannot carry the load: no wait is long enough then.
    """
    if workers < load.fewest_stable:
        raise ValueError(f"expected at least {load.fewest_stable} workers, found {workers}")
    if formula == MDC:
        # So near to saturation that it overflows, the scaled formula agrees to four digits.
        with suppress(OverflowError):
            return mdc(workers, load.deliveries_per_s, load.occupied_s)
    plain = mmc(workers, load.deliveries_per_s, load.occupied_s)
    scale = (load.arrival_scv + load.occupied_scv) / 2.0
    return ExponentialWait(plain.probability, plain.when_waiting_s * scale)
