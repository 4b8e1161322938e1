"""The numbers of a whole run: waits, backlog, throughput, retries, recoveries, over time.

Computed from the facts, once, for whoever shows them. Times are seconds after the start of the
run, lengths seconds; what never happened is None. Judges nothing and draws nothing.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..harness.faults.fields import FOR_EVER_S
from ..harness.record.facts import Facts, Floats
from ..harness.record.history import Event
from ..harness.spec.backoff import backoff
from ..harness.spec.retries import retries

BINS = 40
MOST_DELIVERIES = 12


@dataclass(frozen=True)
class Percentiles:
    """Of ``n`` lengths; with none of them the rest is nan."""

    n: int
    p50_s: float
    p90_s: float
    p99_s: float
    max_s: float


@dataclass(frozen=True)
class QueueWaits:
    """Of a queue's accepted jobs: from acceptance to the first worker, and to the first effect.

    ``worst_s`` is, for each bin of time, the longest wait for a worker of those accepted in it,
    ``median_s`` the one in the middle; nan where none was accepted.
    """

    name: str
    bound_s: float | None
    to_worker: Percentiles
    to_effect: Percentiles
    median_s: Floats
    worst_s: Floats


@dataclass(frozen=True)
class Lasting:
    """A fault, from its first strike until it was over, and how long everything then took.

    ``recovered_s`` is how long after ``end_s`` the last job ended that was open then; 0: none
    was open, None: one of them never ended.
    """

    number: int
    kind: str
    start_s: float
    end_s: float
    strikes: int
    recovered_s: float | None


@dataclass(frozen=True)
class Retried:
    """Retries after the ``attempt``-th delivery that counts, and what the policy allows."""

    attempt: int
    n: int
    least_s: float
    median_s: float
    most_s: float
    policy_least_s: float
    policy_most_s: float


class WholeRun:
    """The numbers of one run; each is computed when first asked for."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self.end_s = max(facts.ended_at, 1e-3)
        self.edges_s: Floats = np.linspace(0.0, self.end_s, BINS + 1)

    @cached_property
    def ended_at(self) -> Floats:
        """Per job: its first effect; of a dead letter, its last end of a delivery; nan: never."""
        facts, history = self._facts, self._facts.history

        def who(row: Any) -> tuple[int, int]:
            return int(row["node"]), int(row["incarnation"])

        ended = np.full(facts.jobs, np.nan)
        for event in (Event.LEASE_LOST, Event.NACK_ANSWERED, Event.FINISHED):
            rows = facts.rows(event)
            job = history["job"][rows]
            ended[job] = np.fmax(ended[job], history["t"][rows])
        last_lease = np.full(facts.jobs, -1)
        leases = facts.rows(facts.hand_over)
        last_lease[history["job"][leases]] = leases
        died = {
            who(row): float(row["t"]) for row in history.rows[history.where(Event.WORKER_EXITED)]
        }
        for dead in np.flatnonzero(facts.dead & (last_lease >= 0)).tolist():
            lease = history.rows[last_lease[dead]]
            if not ended[dead] >= lease["t"]:  # never finished: its worker ended with it
                ended[dead] = died.get(who(lease), ended[dead])
        ended[~facts.dead] = np.nan
        return np.where(np.isnan(facts.effect_at), ended, facts.effect_at)

    def _open(self, at_s: Floats) -> tuple[Floats, Floats]:
        """How many jobs were accepted and not over at these times, and the age of the oldest."""
        accepted = self._facts.accepted
        came = self._facts.accepted_at[accepted]
        over = np.where(np.isnan(self.ended_at), np.inf, self.ended_at)[accepted]
        opened, oldest = np.zeros(len(at_s)), np.zeros(len(at_s))
        for place, at in enumerate(at_s):
            inside = came[(came <= at) & (over > at)]
            opened[place] = len(inside)
            oldest[place] = at - inside.min() if len(inside) else 0.0
        return opened, oldest

    @cached_property
    def backlog(self) -> tuple[Floats, Floats, Floats]:
        """At each edge: jobs open, those that wait for their first worker, the oldest's age."""
        facts = self._facts
        came = np.sort(facts.accepted_at[facts.accepted])
        left = np.where(np.isnan(facts.leased_at), np.inf, facts.leased_at)[facts.accepted]
        left = np.sort(np.maximum(left, facts.accepted_at[facts.accepted]))
        waiting = np.searchsorted(came, self.edges_s, "right") - np.searchsorted(
            left, self.edges_s, "right"
        )
        opened, oldest = self._open(self.edges_s)
        return opened, waiting.astype(np.float64), oldest

    @cached_property
    def throughput(self) -> tuple[Floats, Floats]:
        """Per bin, in jobs a second: accepted, and over."""
        width_s = self.end_s / BINS
        counted = [
            np.histogram(times[~np.isnan(times)], self.edges_s)[0] / width_s
            for times in (self._facts.accepted_at, self.ended_at)
        ]
        return counted[0], counted[1]

    @cached_property
    def queues(self) -> list[QueueWaits]:
        facts, found = self._facts, []
        owner = np.array([job.queue for job in facts.plan.jobs], dtype=np.intp)
        to_worker = np.maximum(0.0, facts.leased_at - facts.accepted_at)
        to_effect = np.maximum(0.0, facts.effect_at - facts.accepted_at)
        for number, queue in enumerate(facts.plan.queues):
            mine = (owner == number) & facts.accepted
            median, worst = self._over_time(facts.accepted_at[mine], to_worker[mine])
            found.append(
                QueueWaits(
                    queue.name,
                    queue.bound_s,
                    _percentiles(to_worker[mine]),
                    _percentiles(to_effect[mine]),
                    median,
                    worst,
                )
            )
        return found

    def _over_time(self, came: Floats, waited: Floats) -> tuple[Floats, Floats]:
        known = ~np.isnan(waited)
        came, waited = came[known], waited[known]
        place = np.clip(np.searchsorted(self.edges_s, came, "right") - 1, 0, BINS - 1)
        median, worst = np.full(BINS, np.nan), np.full(BINS, np.nan)
        for number in np.unique(place):
            here = waited[place == number]
            median[number], worst[number] = np.median(here), here.max()
        return median, worst

    @cached_property
    def faults(self) -> list[Lasting]:
        """Each fault that struck, in the order of its first strike."""
        facts, history = self._facts, self._facts.history
        struck = history.where(Event.FAULT_STRUCK)
        found = []
        for number in dict.fromkeys(history["fault"][struck].tolist()):
            rows = struck[history["fault"][struck] == number]
            starts, lasts = history["t"][rows], history["value"][rows]
            ends = starts + np.where(lasts < FOR_EVER_S, lasts, self.end_s - starts)
            end_s = min(float(ends.max()), self.end_s)
            kind = facts.plan.faults[number].kind
            found.append(
                Lasting(number, kind, float(starts.min()), end_s, len(rows), self._recovered(end_s))
            )
        return found

    def _recovered(self, after_s: float) -> float | None:
        came, over = self._facts.accepted_at, self.ended_at
        opened = (came <= after_s) & ~(over <= after_s)
        if not opened.any():
            return 0.0
        last = over[opened].max()  # nan if one of them never ended
        return None if np.isnan(last) else float(last - after_s)

    @cached_property
    def retries(self) -> list[Retried]:
        """What failed and came back, by the number of the delivery that failed."""
        facts, policy = self._facts, self._facts.plan.retry
        waits: dict[int, list[float]] = {}
        for failed, again, counted in retries(facts):
            since, t = facts.history["since"][failed], facts.history["t"]
            from_s = float(since) if since >= 0 else float(t[failed])
            waits.setdefault(counted, []).append(float(t[again]) - from_s)
        found = []
        for attempt, waited in sorted(waits.items()):
            least, most = backoff(policy, attempt)
            found.append(
                Retried(
                    attempt, len(waited), min(waited), float(np.median(waited)), max(waited),
                    least, most,
                )
            )  # fmt: skip
        return found

    @cached_property
    def deliveries(self) -> list[tuple[str, int]]:
        """How many jobs were handed out how often; the many are one class."""
        counts = Counter(np.minimum(self._facts.handed_out, MOST_DELIVERIES).tolist())
        return [
            (f"{times} or more" if times == MOST_DELIVERIES else str(times), n)
            for times, n in sorted(counts.items())
        ]


def _percentiles(lengths: Floats) -> Percentiles:
    known = lengths[~np.isnan(lengths)]
    if not len(known):
        return Percentiles(0, *[float("nan")] * 4)
    p50, p90, p99 = (float(p) for p in np.percentile(known, (50, 90, 99)))
    return Percentiles(len(known), p50, p90, p99, float(known.max()))
