"""Which jobs a flood was in the way of."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..plan.plan import Plan

Floats = npt.NDArray[np.float64]


def behind(
    plan: Plan, accepted_at: Floats, finished_at: Floats, which: npt.NDArray[np.bool_]
) -> int:
    """How many of these jobs were accepted while the flood had work for all its workers.

    Times are of each job, nan: never.
    """
    flood = np.array([job.flood for job in plan.jobs], dtype=bool)
    names = {plan.queues[job.queue].name for job in plan.jobs if job.flood}
    capacity = sum(pool.workers for pool in plan.pools if names & set(pool.queues))
    arrived, left = _told(accepted_at[flood]), _told(finished_at[flood])
    times = _told(accepted_at[which])
    inside = np.searchsorted(arrived, times, "right") - np.searchsorted(left, times, "right")
    return int(np.count_nonzero(inside > capacity))


def _told(times: Floats) -> Floats:
    return np.sort(times[~np.isnan(times)])
