"""What a history says of each job, once, for all checks: one pass over the columns."""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from ...backends.adapter import Claims
from ..faults.fields import FOR_EVER_S
from ..plan.plan import Plan, Sink
from .floods import behind
from .history import PHASES, Answer, Event, History, Phase
from .recoveries import around_the_poke, recovered_s

Outcome = Literal[
    "done", "dead-lettered", "duplicated", "stuck", "lost", "unknown", "phantom",
    "absorbed", "refused", "never submitted", "run again", "failed", "recovered", "recoverable",
]  # fmt: skip
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
Bites = dict[tuple[str, str], int]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]


class Facts:
    """Per planned job, as arrays indexed like ``plan.jobs``; times in seconds, nan: never."""

    def __init__(self, plan: Plan, claims: Claims, history: History) -> None:
        self.plan = plan
        self.claims = claims
        self.history = history
        self.jobs = len(plan.jobs)
        self._rows: dict[tuple[Event, Answer | None], Ints] = {}

    def rows(self, event: Event, answer: Answer | None = None) -> Ints:
        """Rows with this event that belong to a planned job."""
        found = self._rows.get((event, answer))
        if found is None:
            found = self.history.where(event, answer)
            found = self._rows[event, answer] = found[self.of_plan[found]]
        return found

    @cached_property
    def of_plan(self) -> Flags:
        """Rows that belong to a planned job."""
        job = self.history["job"]
        mask: Flags = (job >= 0) & (job < self.jobs)
        return mask

    @cached_property
    def server_strikes(self) -> list[int]:
        """Rows in which a fault struck the queue itself."""
        history = self.history
        struck = history.where(Event.FAULT_STRUCK)
        whole = struck[(history["job"][struck] < 0) & (history["node"][struck] < 0)]
        faults = self.plan.faults
        return [row for row in whole.tolist() if faults[history["fault"][row]].strikes_server]

    def _count(self, rows: Ints) -> Ints:
        return np.bincount(self.history["job"][rows], minlength=self.jobs)

    def _first(self, rows: Ints) -> Floats:
        times = np.full(self.jobs, np.nan)
        newest_first = rows[::-1]
        times[self.history["job"][newest_first]] = self.history["t"][newest_first]
        return times

    @cached_property
    def sent_at(self) -> Floats:
        return self._first(self.rows(Event.ENQUEUE_SENT))

    @cached_property
    def accepted_at(self) -> Floats:
        """When the producer knew that its job was accepted."""
        return self._first(self.rows(Event.ENQUEUE_ANSWERED, Answer.OK))

    @cached_property
    def completion(self) -> Event:
        """What tells that a job has done its work: its effect, or, where none is counted, that its
        function has returned.
        """
        if len(self.rows(Event.COUNTED)):
            return Event.COUNTED
        return Event.EFFECT if len(self.history.where(Event.EFFECT)) else Event.RETURNED

    @cached_property
    def completed(self) -> Flags:
        """Jobs that have done their work at least once."""
        if self.completion == Event.RETURNED:
            return self._count(self.rows(Event.RETURNED)) > 0
        flags: Flags = self.effects > 0
        return flags

    @cached_property
    def failed(self) -> Flags:
        """Jobs whose function raised when it last ran, and that nothing runs again."""
        flags = np.zeros(self.jobs, dtype=bool)
        history = self.history
        for row in self.rows(Event.RAISED).tolist():
            flags[history["job"][row]] = True
        for event in (Event.STARTED, Event.RETURNED):
            last = self.last(self.rows(event))
            flags &= ~(last > self.last(self.rows(Event.RAISED)))
        return flags & ~self.held & ~self.completed

    @cached_property
    def recovered_s(self) -> Floats:
        """How long each job waited for its next start after whoever had it had died; nan: it did
        not. Only of workers that are a library's own.
        """
        return recovered_s(self.history, self.plan.faults, self.jobs)

    @cached_property
    def poked(self) -> Flags:
        """Jobs that were done only when a fresh worker was started, which is not of the plan."""
        before, after = around_the_poke(self.history, self.rows(Event.RETURNED), self.jobs)
        return after & ~before

    def last(self, rows: Ints) -> Ints:
        """The last of these rows of each job, -1 if there is none."""
        last = np.full(self.jobs, -1)
        last[self.history["job"][rows]] = rows
        return last

    @cached_property
    def effect_at(self) -> Floats:
        """When the world was first asked for the job's effect."""
        return self._first(self.rows(Event.EFFECT))

    @cached_property
    def accepted(self) -> Flags:
        return ~np.isnan(self.accepted_at)

    @cached_property
    def refused(self) -> Flags:
        failed = self._count(self.rows(Event.ENQUEUE_ANSWERED, Answer.FAILED)) > 0
        return failed & ~self.accepted

    @cached_property
    def hand_over(self) -> Event:
        """What tells that a worker has a job: its lease, or, where none are shown, its start."""
        return Event.LEASED if len(self.history.where(Event.LEASED)) else Event.STARTED

    @cached_property
    def leased_at(self) -> Floats:
        """When the job was first handed to a worker."""
        return self._first(self.rows(self.hand_over))

    @cached_property
    def deliveries(self) -> Ints:
        """Deliveries that surely count: handed out and not handed back by a graceful shutdown.

        A delivery whose release was sent and not refused may have been handed back.
        """
        handbacks = self.rows(Event.HANDBACK_SENT)
        if not len(handbacks):
            return self.handed_out
        releases = self._count(handbacks[self.history["value"][handbacks] > 0])
        refused = self._count(self.rows(Event.RELEASE_ANSWERED, Answer.FAILED))
        return self.handed_out - (releases - refused)

    @cached_property
    def handed_out(self) -> Ints:
        """How often the job was handed to a worker."""
        return self._count(self.rows(self.hand_over))

    @cached_property
    def effects(self) -> Ints:
        """How often the effect of the job's work was applied to the world, by the sink's rule.

        blind: each request counts. keyed: requests with the same key are applied once. upsert
        and set: the same work asked for again changes nothing. Jobs that submit the same work
        share its effects. Where somebody has counted them, so often as he says.
        """
        if self.completion == Event.COUNTED:
            told = self.rows(Event.COUNTED)
            counts = np.zeros(self.jobs, dtype=np.intp)
            counts[self.history["job"][told]] = self.history["value"][told]
            return counts
        rows, applied = self.rows(Event.EFFECT), self._applied
        job = self.history["job"][rows]
        effects: Ints = np.bincount(self.work[job[applied]], minlength=self.jobs)[self.work]
        return effects

    @cached_property
    def absorbed(self) -> frozenset[int]:
        """The rows in which an effect was asked for that the world knew, so nothing changed."""
        return frozenset(self.rows(Event.EFFECT)[~self._applied].tolist())

    @cached_property
    def _applied(self) -> Flags:
        """Of each request for an effect: did it change the world?"""
        rows = self.rows(Event.EFFECT)
        job = self.history["job"][rows]
        keyed, absorbed = self.has_sink("keyed")[job], self.has_sink("upsert", "set")[job]
        applied = np.ones(len(rows), dtype=bool)
        for requests, names in ((keyed, self.history["key"][rows]), (absorbed, self.work[job])):
            if requests.any():
                _, first = np.unique(names[requests], return_index=True)
                applied[requests] = False
                applied[np.flatnonzero(requests)[first]] = True
        return applied

    @cached_property
    def stale_heartbeats(self) -> frozenset[int]:
        """The rows in which a heartbeat was accepted though a newer delivery had been told of."""
        history, found, newest = self.history, set[int](), dict[int, int]()
        beats = self.rows(Event.EXTEND_ANSWERED, Answer.OK)
        for row in sorted([*self.rows(Event.LEASED).tolist(), *beats.tolist()]):
            job, token = int(history["job"][row]), int(history["token"][row])
            if history["event"][row] == Event.LEASED:
                newest[job] = token
            elif token < newest.get(job, 0):
                found.add(row)
        return frozenset(found)

    @cached_property
    def effect_requests(self) -> Ints:
        """How often the world was asked for the effect of the job's work."""
        rows = self.rows(Event.EFFECT)
        requests: Ints = np.bincount(self.work[self.history["job"][rows]], minlength=self.jobs)
        return requests[self.work]

    @cached_property
    def work(self) -> Ints:
        """The piece of work of each job: the first job that submits it."""
        work = np.arange(self.jobs)
        for index, job in enumerate(self.plan.jobs):
            if job.same_work_as >= 0:
                work[index] = work[job.same_work_as]
        return work

    def has_sink(self, *sinks: Sink) -> Flags:
        """Jobs whose effect the world takes in one of these ways."""
        of_plan = self.plan.sink
        return np.array([(job.sink or of_plan) in sinks for job in self.plan.jobs], dtype=bool)

    @cached_property
    def replays(self) -> Ints:
        """How often an operator asked for the job's dead letter to be run again."""
        return self._count(self.rows(Event.REPLAY_SENT))

    @cached_property
    def dead(self) -> Flags:
        return self._count(self.rows(Event.DEAD)) > 0

    @cached_property
    def held(self) -> Flags:
        return self._count(self.rows(Event.HELD)) > 0

    @cached_property
    def held_leased(self) -> Flags:
        """Jobs that the queue still held at the end, in its own words in some worker's hands."""
        rows = self.rows(Event.HELD)
        return self._count(rows[self.history["value"][rows] > 0]) > 0

    @cached_property
    def contradicted(self) -> Flags:
        """Jobs that the queue said it held while it counted no job at all."""
        return self._count(self.rows(Event.CONTRADICTED)) > 0

    @cached_property
    def lost(self) -> Flags:
        gone: Flags = self.accepted & ~self.completed & ~self.dead & ~self.held
        return gone & ~self.failed & ~self.untold

    @cached_property
    def untold(self) -> Flags:
        """Jobs of which the queue did not say at the end what became of them."""
        return self._count(self.rows(Event.UNTOLD)) > 0

    @cached_property
    def phantoms(self) -> Ints:
        """Rows in which a worker was handed a job that nobody enqueued before."""
        rows = self.history.where(self.hand_over)
        known = self.of_plan[rows]
        job = np.where(known, self.history["job"][rows], 0)
        if self.jobs == 0:
            return rows
        sent = self.sent_at[job]
        known &= ~np.isnan(sent) & (sent <= self.history["t"][rows]) & ~self.refused[job]
        return rows[~known]

    @cached_property
    def ended_at(self) -> float:
        return float(self.history["t"].max()) if len(self.history) else 0.0

    @cached_property
    def quiet_at(self) -> float | None:
        rows = self.history.where(Event.QUIET)
        return float(self.history["t"][rows[0]]) if len(rows) else None

    @cached_property
    def healed_at(self) -> float:
        """When the last fault that struck was over."""
        rows = self.history.where(Event.FAULT_STRUCK)
        lasts_s = self.history["value"][rows]
        ends = self.history["t"][rows] + np.where(lasts_s < FOR_EVER_S, lasts_s, 0.0)
        return max([self.plan.healed_at_s, *ends.tolist()]) if self.plan.faults else 0.0

    def outcome(self, job: int) -> Outcome:
        """What became of one job."""
        return OUTCOMES[int(self.fates[job])]

    @cached_property
    def fates(self) -> Ints:
        """What became of each job, by its place in OUTCOMES; each line overrules the last.

        ``absorbed``: it never ran, since its work was done as another job. ``run again``: its
        function has returned more than once, and the world saw one effect, or nobody counts them.
        ``recovered``: whoever had it died, and it was begun again. ``recoverable``: it was done
        only when a fresh worker was started at the end.
        """
        (
            done, dead, duplicated, stuck, lost, unknown, phantom, absorbed, refused, unsent,
            again, failed, recovered, recoverable,
        ) = range(len(OUTCOMES))  # fmt: skip
        ran = (self.handed_out > 0) | (self._count(self.rows(Event.EFFECT)) > 0)
        fates = np.full(self.jobs, unknown)
        fates[self.accepted & ~self.untold] = lost
        fates[self.completed] = done
        fates[self.completed & ~np.isnan(self.recovered_s)] = recovered
        returned = self.rows(Event.RETURNED)
        fates[self._count(returned) > 1] = again
        fates[(self.effects > 0) & ~ran] = absorbed
        fates[self.failed] = failed
        fates[self.held] = stuck
        fates[self.poked] = recoverable
        fates[np.logical_and(*around_the_poke(self.history, returned, self.jobs))] = again
        fates[self.dead] = dead
        fates[self.refused] = refused
        fates[np.isnan(self.sent_at)] = unsent
        fates[(np.isnan(self.sent_at) | self.refused) & ran] = phantom
        fates[(self.effects > 1) & ran] = duplicated
        return fates

    @cached_property
    def outcomes(self) -> dict[str, int]:
        """How many jobs ended in each class, all classes in a fixed order."""
        counts = np.bincount(self.fates, minlength=len(OUTCOMES)).tolist()
        counted = dict[str, int](zip(OUTCOMES, counts, strict=True))
        strangers = {int(j) for j in self.history["job"][self.phantoms] if not 0 <= j < self.jobs}
        counted["phantom"] += len(strangers)
        return counted

    @cached_property
    def bites(self) -> Bites:
        """The bite matrix: (fault kind, phase of the job it struck) to how often.

        A fault that met no job is counted under the phase ``nothing``.
        """
        history, bites = self.history, Counter[tuple[str, str]]()
        for i in history.where(Event.FAULT_STRUCK):
            phase = Phase(int(history["phase"][i]))
            fault = self.plan.faults[int(history["fault"][i])]
            if history["job"][i] < 0 and phase != Phase.IDLE:
                # A lost lease request strikes whoever waits to be leased, if anybody does.
                waiting = self._waiting(float(history["t"][i]))
                phase = (
                    Phase.BEFORE_LEASE if phase == Phase.BEFORE_LEASE and waiting else Phase.IDLE
                )
            bites[fault.kind, PHASES.get(phase, "nothing")] += 1
        for kind in {fault.kind for fault in self.plan.faults if fault.floods}:
            bites[kind, PHASES[Phase.BEFORE_LEASE]] += behind(
                self.plan, self.accepted_at, self._first(self.rows(Event.FINISHED)), self.bounded
            )
        return {cell: n for cell, n in sorted(bites.items()) if n}

    def _waiting(self, t: float) -> int:
        """How many jobs had been accepted by then, and not handed out."""
        came, gone = self._came_and_gone
        return int(np.searchsorted(came, t, "right") - np.searchsorted(gone, t, "right"))

    @cached_property
    def _came_and_gone(self) -> tuple[Floats, Floats]:
        """Each in order: when jobs were accepted, and when those were handed out.

        A job may be handed out before its producer knows that it was accepted.
        """
        gone = np.maximum(self.accepted_at, self.leased_at)  # nan if either never was
        return np.sort(self.accepted_at[self.accepted]), np.sort(gone[~np.isnan(gone)])

    @cached_property
    def bounded(self) -> Flags:
        """Jobs of queues that promise a bounded wait."""
        return np.array([q.bound_s is not None for q in self.plan.queues])[self._queue]

    @cached_property
    def bounds_s(self) -> Floats:
        """How long each job may wait for a worker; infinite where nothing is promised."""
        return np.array([q.bound_s or np.inf for q in self.plan.queues])[self._queue]

    @cached_property
    def _queue(self) -> Ints:
        return np.array([job.queue for job in self.plan.jobs], dtype=np.intp)
