"""Traffic read off a recorded run: per pool, when its jobs came and how long they took.

Both are kept as the samples they are, with no curve drawn through them. Deliveries of jobs that
a fault struck are left out, since a killed or delayed job does not show how long a job takes.
Nothing is read from the backend.
"""

from __future__ import annotations

import numpy as np

from ..errors import UsageError
from ..harness.plan.plan import Pool
from ..harness.record.facts import Facts
from ..harness.record.history import History
from ..harness.run import Run
from ..protocol.events import Answer, Event
from .load import Asked, Mishaps, Traffic
from .times import Floats, Sample
from .units import seconds_text

FEWEST = 10


class FitError(UsageError):
    """The run does not tell. The message says what was expected, what found, what to do."""


def fit(run: Run, mishaps: Mishaps) -> list[Asked]:
    """The traffic of every pool of the run; ``mishaps`` are given, not read off it.

    Raises :class:`FitError` if a pool had too few jobs, or shares a queue with another.
    """
    facts = Facts(run.plan, run.claims, run.history)
    occupied_s = _occupied_s(facts)
    queue_of = np.array([job.queue for job in run.plan.jobs], dtype=np.intp)
    fitted = []
    for pool in run.plan.pools:
        _served_by_it_alone(pool, run.plan.pools)
        queues = [i for i, queue in enumerate(run.plan.queues) if queue.name in pool.queues]
        jobs = np.isin(queue_of, queues)
        arrivals = np.sort(facts.sent_at[jobs & ~np.isnan(facts.sent_at)])
        times = occupied_s[jobs & ~np.isnan(occupied_s)]
        for count, what in ((len(arrivals), "arrivals"), (len(times), "undisturbed deliveries")):
            if count < FEWEST:
                raise FitError(
                    f"expected at least {FEWEST} {what} in pool {pool.name}, found {count}; "
                    "record a longer run, or give --arrivals and --service"
                )
        between = Sample(np.diff(arrivals))
        if between.mean_s <= 0.0 or times.mean() <= 0.0:
            raise FitError(
                f"expected arrivals and deliveries in pool {pool.name} to take time, found none "
                "that do; record a longer run, or give --arrivals and --service"
            )
        traffic = Traffic(between, Sample(times), mishaps)
        lasted = seconds_text(float(arrivals[-1] - arrivals[0]))
        basis = (
            f"read off {len(arrivals)} arrivals in {lasted} and {len(times)} undisturbed deliveries"
        )
        fitted.append(Asked(pool.name, traffic, basis, pool.workers))
    return fitted


def _served_by_it_alone(pool: Pool, pools: tuple[Pool, ...]) -> None:
    for other in pools:
        shared = set(pool.queues) & set(other.queues)
        if other.name != pool.name and shared:
            raise FitError(
                f"expected one pool for queue {min(shared)}, found {pool.name} and {other.name}; "
                "give --arrivals and --service for both together"
            )


def _occupied_s(facts: Facts) -> Floats:
    """For each job how long the delivery that succeeded kept its worker; nan: not known.

    From the moment the worker knew of its lease until it was ready for the next one.
    """
    history = facts.history
    struck = set(history["job"][history.where(Event.FAULT_STRUCK)].tolist())
    leased_at = dict(_deliveries(history, facts.rows(Event.LEASED)))
    acked = {who for who, _ in _deliveries(history, facts.rows(Event.ACK_ANSWERED, Answer.OK))}
    occupied_s = np.full(facts.jobs, np.nan)
    for who, at_s in _deliveries(history, facts.rows(Event.FINISHED)):
        job = who[1]
        if job not in struck and who in acked and who in leased_at:
            occupied_s[job] = at_s - leased_at[who]
    return occupied_s


def _deliveries(
    history: History, rows: np.ndarray[tuple[int], np.dtype[np.intp]]
) -> list[tuple[tuple[int, int, int], float]]:
    """(node, job, token) and time of these rows."""
    columns = [history[name][rows].tolist() for name in ("node", "job", "token", "t")]
    return [((node, job, token), t) for node, job, token, t in zip(*columns, strict=True)]
