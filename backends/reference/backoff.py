"""How long a failed job waits before its next delivery. Pure: ``rng`` is an argument."""

from __future__ import annotations

from random import Random

from ...protocol.commands import RetryPolicy


def delay_s(policy: RetryPolicy, failures: int, previous_s: float, rng: Random) -> float:
    """Seconds to wait after the ``failures``-th failure (from 1); never above the cap.

    ``previous_s`` is the delay before, which decorrelated jitter grows from; 0 is none yet, and
    the first grows from the base. Jitter is drawn below the cap rather than cut off at it, so
    that those who have come to the cap do not come back together.
    """
    # The exponent is bounded so that a long-failing job costs no more than another one.
    exponent = min(max(failures, 1) - 1, 64)
    try:
        ceiling = min(policy.cap_s, policy.base_s * policy.factor**exponent)
    except OverflowError:
        ceiling = policy.cap_s
    if policy.jitter == "none":
        return ceiling
    if policy.jitter == "full":
        return rng.uniform(0.0, ceiling)
    if policy.jitter == "equal":
        return rng.uniform(ceiling / 2, ceiling)
    low = min(policy.base_s, policy.cap_s)
    return rng.uniform(low, min(policy.cap_s, 3 * max(low, previous_s)))
