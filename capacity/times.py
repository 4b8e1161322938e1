"""Distributions of service times and of times between arrivals, in seconds.

Each knows its mean, its squared coefficient of variation (variance over squared mean), how to
draw, and its quantiles. They are given by a mean and a coefficient of variation, or are the
sample itself; none is fitted to a curve here.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, expm1, log, log1p, sqrt
from statistics import NormalDist
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from ..errors import UsageError

Floats = npt.NDArray[np.float64]
Family = Literal["exponential", "deterministic", "lognormal", "pareto"]
FAMILIES: tuple[Family, ...] = ("exponential", "deterministic", "lognormal", "pareto")

LEAST_S, MOST_S = 1e-9, 1e9  # beyond these a square may be no number any more


class TimesError(UsageError, ValueError):
    """No such distribution. The message says what was expected, what found, what to do."""


class Times(Protocol):
    """A positive random time. ``scv``: the squared coefficient of variation."""

    @property
    def mean_s(self) -> float: ...
    @property
    def scv(self) -> float: ...
    def draw(self, rng: np.random.Generator, count: int) -> Floats: ...
    def quantiles(self, shares: Floats) -> Floats: ...


@dataclass(frozen=True)
class Exponential:
    """Without memory: what is left does not depend on what has passed."""

    mean_s: float
    scv: float = 1.0

    def draw(self, rng: np.random.Generator, count: int) -> Floats:
        return rng.exponential(self.mean_s, count)

    def quantiles(self, shares: Floats) -> Floats:
        times: Floats = -self.mean_s * np.log1p(-shares)
        return times


@dataclass(frozen=True)
class Deterministic:
    """Always the same time."""

    mean_s: float
    scv: float = 0.0

    def draw(self, rng: np.random.Generator, count: int) -> Floats:
        return np.full(count, self.mean_s)

    def quantiles(self, shares: Floats) -> Floats:
        return np.full(len(shares), self.mean_s)


@dataclass(frozen=True)
class Lognormal:
    """The logarithm is normal: many times near the usual one, a few much longer."""

    mean_s: float
    scv: float

    @property
    def _sigma(self) -> float:
        return sqrt(log1p(self.scv))

    @property
    def _mu(self) -> float:
        return log(self.mean_s) - self._sigma**2 / 2.0

    def draw(self, rng: np.random.Generator, count: int) -> Floats:
        return rng.lognormal(self._mu, self._sigma, count)

    def quantiles(self, shares: Floats) -> Floats:
        normal = NormalDist(self._mu, self._sigma)
        return np.exp([normal.inv_cdf(share) for share in shares.tolist()])


@dataclass(frozen=True)
class Pareto:
    """P(S > t) = (least / t)^shape. Its third moment is infinite unless ``scv`` < 1/3.

    So the mean wait of a simulation settles slowly, and its interval tells too little;
    percentiles settle well.
    """

    mean_s: float
    scv: float

    @property
    def shape(self) -> float:
        return 1.0 + sqrt(1.0 + 1.0 / self.scv)

    @property
    def least_s(self) -> float:
        return self.mean_s * (self.shape - 1.0) / self.shape

    def draw(self, rng: np.random.Generator, count: int) -> Floats:
        return self.least_s * (1.0 + rng.pareto(self.shape, count))

    def quantiles(self, shares: Floats) -> Floats:
        times: Floats = self.least_s * (1.0 - shares) ** (-1.0 / self.shape)
        return times


@dataclass(frozen=True)
class BoundedPareto:
    """A Pareto law cut off at ``least_s`` and ``most_s``: a heavy tail with every moment."""

    least_s: float
    most_s: float
    shape: float

    def _moment(self, order: int) -> float:
        low, high, shape = self.least_s, self.most_s, self.shape
        scale = shape / (1.0 - exp(-shape * log(high / low)))
        grown = (order - shape) * log(high / low)
        return scale * low**order * (expm1(grown) / grown if grown else 1.0) * log(high / low)

    @property
    def mean_s(self) -> float:
        return self._moment(1)

    @property
    def scv(self) -> float:
        return self._moment(2) / self._moment(1) ** 2 - 1.0

    def draw(self, rng: np.random.Generator, count: int) -> Floats:
        return self.quantiles(rng.random(count))

    def quantiles(self, shares: Floats) -> Floats:
        kept = 1.0 - (self.least_s / self.most_s) ** self.shape
        times: Floats = self.least_s * (1.0 - shares * kept) ** (-1.0 / self.shape)
        return times


class Sample:
    """What was measured, drawn again with replacement."""

    def __init__(self, times_s: Floats) -> None:
        self.times_s = np.sort(np.asarray(times_s, dtype=np.float64))
        self.mean_s = float(self.times_s.mean())
        self.scv = float(self.times_s.var(ddof=1)) / self.mean_s**2 if self.mean_s else 0.0

    def __len__(self) -> int:
        return len(self.times_s)

    def draw(self, rng: np.random.Generator, count: int) -> Floats:
        return self.times_s[rng.integers(len(self.times_s), size=count)]

    def quantiles(self, shares: Floats) -> Floats:
        return self.times_s[(shares * len(self.times_s)).astype(np.intp)]


def given(mean_s: float, cv: float | None = None, family: Family | None = None) -> Times:
    """The distribution with this mean (seconds) and coefficient of variation.

    Without a family a cv of 0 means deterministic, 1 or none exponential, any other lognormal.
    Raises :class:`TimesError` if there is no such distribution.
    """
    _hold(LEAST_S <= mean_s <= MOST_S, f"a mean of {LEAST_S:g} to {MOST_S:g} s", f"{mean_s:g} s")
    if cv is None:
        implied = {"deterministic": 0.0, "exponential": 1.0, None: 1.0}
        _hold(family in implied, f"a coefficient of variation for {family} times", "none")
        cv = implied[family]
    _hold(0.0 <= cv < 1e3, "a coefficient of variation from 0 to 1000", f"{cv:g}")
    if family is None:
        family = "deterministic" if cv == 0.0 else "exponential" if cv == 1.0 else "lognormal"
    if family == "deterministic":
        _hold(cv == 0.0, "a coefficient of variation of 0 for deterministic times", f"{cv:g}")
        return Deterministic(mean_s)
    if family == "exponential":
        _hold(cv == 1.0, "a coefficient of variation of 1 for exponential times", f"{cv:g}")
        return Exponential(mean_s)
    _hold(cv > 0.0, f"a coefficient of variation above 0 for {family} times", f"{cv:g}")
    return Pareto(mean_s, cv**2) if family == "pareto" else Lognormal(mean_s, cv**2)


def _hold(true: bool, expected: str, found: str) -> None:
    if not true:
        raise TimesError(f"expected {expected}, found {found}; change one of the two")
