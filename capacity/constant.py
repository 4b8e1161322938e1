"""M/D/c, exactly: Poisson arrivals, every delivery takes the same time.

Two steps. Seen every D seconds, the number waiting is a random walk that cannot fall below
zero: Q' = max(Q + A - c, 0) with A arrivals in D seconds, since whoever is at work at a moment
is done D seconds later. Its stationary law is that of the walk's maximum (F. Spitzer, A
combinatorial lemma and its application to probability theory, 1956), found here by Fourier
transforms. The law of the waiting time follows from it in positive terms only (G. J. Franx, A
simple solution for the M/D/c waiting time distribution, Operations Research Letters 29, 2001;
the problem is C. D. Crommelin's, 1932). No other service time is treated here.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log, log2, sqrt

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
NEGLIGIBLE = 1e-15
PRECISION = 1e-10
MOST_TERMS = 2**18


@dataclass(frozen=True)
class ConstantServiceWait:
    """The wait in M/D/c. ``at_most[n]``: the probability that n or fewer are waiting."""

    workers: int
    rate_per_s: float
    service_s: float
    at_most: Floats
    mean_s: float

    def longer_than(self, wait_s: float) -> float:
        """The probability that a delivery waits longer than ``wait_s`` seconds.

        It waits at most x = kD - u, with 0 < u <= D, if and only if those who waited u before
        it came, and those who came in between, are fewer than k c.
        """
        turns = int(wait_s // self.service_s) + 1
        before_s = max(turns * self.service_s - wait_s, NEGLIGIBLE * self.service_s)
        came = _poisson(self.rate_per_s * before_s, turns * self.workers)
        waiting = turns * self.workers - 1 - np.arange(len(came))
        in_time = came @ self.at_most[np.minimum(waiting, len(self.at_most) - 1)]
        return max(0.0, 1.0 - float(in_time))

    def percentile_s(self, share: float) -> float:
        """The wait in seconds that the ``share`` (0 to 1) of the deliveries does not exceed."""
        if self.longer_than(0.0) <= 1.0 - share:
            return 0.0
        low_s, high_s = 0.0, self.service_s
        while self.longer_than(high_s) > 1.0 - share:
            low_s, high_s = high_s, 2.0 * high_s
        while high_s - low_s > PRECISION * high_s:
            middle_s = (low_s + high_s) / 2.0
            if self.longer_than(middle_s) > 1.0 - share:
                low_s = middle_s
            else:
                high_s = middle_s
        return high_s


def mdc(workers: int, rate_per_s: float, service_s: float) -> ConstantServiceWait:
    """The wait in M/D/c, exactly. Needs ``rate_per_s * service_s < workers``.

    Raises OverflowError where the utilisation is so near 1 (above some 0.9997) that the queue's
    law has too many terms.
    """
    waiting = _waiting(workers, rate_per_s * service_s)
    mean = float(np.arange(len(waiting)) @ waiting)
    at_most = np.append(np.minimum(np.cumsum(waiting), 1.0), 1.0)
    return ConstantServiceWait(workers, rate_per_s, service_s, at_most, mean / rate_per_s)


def _waiting(workers: int, erlangs: float) -> Floats:
    """The stationary probabilities that 0, 1, 2, ... deliveries are waiting.

    With S the walk of steps A - c, the maximum has the generating function exp(G(z) - G(1)),
    G(z) = sum over k > 0 of g(k) z^k, g(k) = sum over n of P(S(n) = k) / n. The g(k) are the
    coefficients of -log(1 - E z^(A - c)), read off a circle of radius c / a, where E z^(A - c)
    is smallest and below 1.
    """
    radius = workers / erlangs
    terms = 2 ** ceil(log2(workers + 8 - 2.0 * log(NEGLIGIBLE) / log(radius)))
    if terms > MOST_TERMS:
        raise OverflowError(f"a queue of {terms} terms, at utilisation {1 / radius:.6f}")
    place = np.arange(terms // 2 + 1)
    angle = -2j * np.pi / terms
    come = np.exp(erlangs * (radius * np.exp(angle * place) - 1.0) - workers * log(radius))
    gone = np.exp(angle * (-workers * place % terms))
    g = np.fft.irfft(-np.log1p(-come * gone), terms)
    g *= radius ** -np.arange(float(terms))
    g[0] = g[terms // 2 :] = 0.0  # the second half is that of the negative steps
    law = np.fft.irfft(np.exp(np.fft.rfft(g) - g.sum()), terms)
    kept: Floats = np.maximum(law[: terms // 2], 0.0)
    return kept


def _poisson(mean: float, most: int) -> Floats:
    """The probabilities of 0, 1, ... events: ``most`` of them, or all that are not negligible."""
    steps = np.arange(1.0, min(most, ceil(mean + 12.0 * sqrt(mean) + 50.0)))
    logs = np.concatenate(([0.0], np.cumsum(np.log(mean / steps))))
    probabilities: Floats = np.exp(logs - mean)
    return probabilities
