"""Between which times a failed job becomes ready again, by its retry policy.

    n-th failure -> from ``least`` to ``most`` seconds

With ``d = min(cap_s, base_s * factor**(n-1))``: no jitter waits for d, full for 0 to d, equal for
d/2 to d. Decorrelated jitter draws each wait from ``base_s`` to three times the wait before, of
which the first counts as ``base_s``; so the n-th is at most ``base_s * 3**n``, and never above
the cap. The exponent of the factor grows no further than to ``HIGHEST_EXPONENT``.
"""

from __future__ import annotations

from typing import NamedTuple

from ...protocol.commands import RetryPolicy

HIGHEST_EXPONENT = 64


class Backoff(NamedTuple):
    """Seconds from a failure to the moment at which the job is ready."""

    least_s: float
    most_s: float


def backoff(policy: RetryPolicy, failures: int) -> Backoff:
    """How long the job waits after its ``failures``-th delivery that counts (from 1)."""
    most_s = ceiling_s(policy, failures)
    least_s = {
        "none": most_s,
        "full": 0.0,
        "equal": most_s / 2,
        "decorrelated": min(policy.base_s, policy.cap_s),
    }[policy.jitter]
    return Backoff(least_s, most_s)


def ceiling_s(policy: RetryPolicy, failures: int) -> float:
    """The longest wait after that many failures: it grows with them, up to the cap."""
    number = max(1, failures)
    growth, times = policy.factor, min(number - 1, HIGHEST_EXPONENT)
    if policy.jitter == "decorrelated":
        growth, times = 3.0, number
    try:
        return min(policy.cap_s, policy.base_s * growth**times)
    except OverflowError:
        return policy.cap_s


def between(policy: RetryPolicy, fewest: int, most: int) -> Backoff:
    """The same, where the failure was the ``fewest``-th at least and the ``most``-th at most."""
    return Backoff(backoff(policy, fewest).least_s, backoff(policy, most).most_s)
