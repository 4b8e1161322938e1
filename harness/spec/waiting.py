"""When each job surely waited, ready to be handed out.

A wait begins at the latest moment at which a correct queue has the job ready: when it was
accepted and its delay is over; when it was handed back; when its longest backoff is over, after a
failure or after a lease that ended unheard (and was noticed, at the latest when somebody asked);
when a replay was answered. It ends where the job may have been handed out, seen or unseen. What
is not certain makes a wait shorter, or none at all.

No wait is certain of a job whose key others share, since it may be a duplicate by then, nor where
a clock jumped that the queue may go by.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from typing import Literal, NamedTuple

import numpy as np

from ...protocol.repeat import DEFAULT
from ..record.facts import Facts
from ..record.history import Answer, Event
from ..record.once import once
from .asking import NEVER, Asking, asking, linger_s
from .backoff import between
from .lives import Delivery, Life, came_between, latest, lives, struck_enqueues

After = Literal["enqueue", "delay", "hand-back", "retry", "lost lease", "replay"]
TIMED: tuple[After, ...] = ("delay", "retry", "lost lease")  # by a timer of the queue
TIMER_S = 0.1  # how much later than due a queue may see that a delay or a backoff is over


class Wait(NamedTuple):
    """The job surely waited from ``since`` to ``until``; ``row`` began it.

    At ``handed_at`` somebody had it, or may have been given it unseen.
    """

    job: int
    after: After
    row: int
    since: float
    until: float
    handed_at: float


def seen_at(wait: Wait) -> float:
    """When at the latest the queue has seen that the job is ready."""
    return wait.since + (TIMER_S if wait.after in TIMED else 0.0)


class Turn(NamedTuple):
    """A delivery, and the earliest time at which its job can have been ready for it."""

    delivery: Delivery
    ready_at: float


class Waiting(NamedTuple):
    """Per queue, by its number."""

    waits: dict[int, list[Wait]]
    turns: dict[int, list[Turn]]


def time_is_certain(facts: Facts) -> bool:
    """Whether no clock jumped that the queue may go by.

    A server that dies reads its wall clock anew, and cannot tell a jump from a long rest.
    """
    skews = [fault for fault in facts.plan.faults if fault.skew_s]
    crashes = any(fault.strikes_server for fault in facts.plan.faults)
    return not skews or (facts.claims.steady_time and not crashes)


def mixed_up(facts: Facts) -> set[int]:
    """Jobs whose rows may be about two jobs: submitted twice to a queue that takes both."""
    if facts.claims.idempotent_enqueue:
        return set()
    history = facts.history
    again = {n for n, job in enumerate(facts.plan.jobs) if job.again_after_s is not None}
    answered = facts.rows(Event.ENQUEUE_ANSWERED)
    repeated = history["t"][answered] - history["since"][answered] >= DEFAULT.pause_s
    unanswered = set(np.flatnonzero(~np.isnan(facts.sent_at)).tolist())
    unanswered -= set(history["job"][answered].tolist())
    unsure = again | unanswered | struck_enqueues(facts)
    return unsure | set(history["job"][answered[repeated]].tolist())


@once
def waiting(facts: Facts) -> Waiting:
    """When the jobs of each queue surely waited."""
    waits: dict[int, list[Wait]] = defaultdict(list)
    turns: dict[int, list[Turn]] = defaultdict(list)
    if not time_is_certain(facts):
        return Waiting({}, {})
    of_lives, asked = lives(facts), asking(facts)
    uncertain = mixed_up(facts) | _shares_key(facts)
    answers = facts.rows(Event.ENQUEUE_ANSWERED, Answer.OK)[::-1]
    accepted = dict(zip(facts.history["job"][answers].tolist(), answers.tolist(), strict=True))
    for job in sorted(accepted.keys() - uncertain):
        queue = facts.plan.jobs[job].queue
        story = _Story(facts, job, accepted[job], of_lives.get(job, Life()), asked, queue)
        waits[queue] += story.waits()
        turns[queue] += story.turns
    for of_queue in waits.values():
        of_queue.sort(key=lambda wait: wait.since)
    return Waiting(dict(waits), dict(turns))


def _shares_key(facts: Facts) -> set[int]:
    works = Counter(facts.work.tolist())
    return {job for job, work in enumerate(facts.work.tolist()) if works[work] > 1}


class _Ready(NamedTuple):
    """The job is ready at ``surely`` at the latest (None: perhaps never), at ``earliest`` first."""

    after: After
    row: int
    surely: float | None
    earliest: float


class _Story:
    """One job, from delivery to delivery."""

    def __init__(
        self, facts: Facts, job: int, accepted: int, life: Life, asked: Asking, queue: int
    ) -> None:
        self._facts, self._job, self._accepted, self._life = facts, job, accepted, life
        self._asks = asked.asks.get(queue, [])
        self._astray = asked.astray[queue]
        self._era_at = float(facts.sent_at[job])  # when the count of its deliveries began
        self._least = self._most = 0
        self.turns: list[Turn] = []

    def waits(self) -> list[Wait]:
        """Its waits; its turns are known afterwards."""
        found = []
        deliveries, before_at = self._life.deliveries, -NEVER
        ready = self._enqueued()
        for place in range(len(deliveries) + 1):
            following = deliveries[place] if place < len(deliveries) else None
            until = following.at if following else self._facts.ended_at
            ready = self._replayed(ready, before_at, until)
            if came_between(self._facts, self._job, before_at, until):
                self._least = 0  # what was done may have been forgotten, and be counted anew
            if following:
                self.turns.append(Turn(following, ready.earliest))
            if wait := self._wait(ready, following):
                found.append(wait)
            if following:
                before_at = following.at
                ready = self._after(following)
        return found

    def _wait(self, ready: _Ready, following: Delivery | None) -> Wait | None:
        """The wait for the delivery that followed, if any did."""
        facts, job, since = self._facts, self._job, ready.surely
        if since is None:
            return None
        if following is None and not facts.held[job]:
            return None  # what became of it then is for others to judge
        unseen_at = self._astray.sure_until(ready.earliest, since)
        until = min(following.since if following else facts.ended_at, unseen_at)
        handed_at = min(following.at if following else facts.ended_at, unseen_at)
        if handed_at <= since:
            return None
        return Wait(job, ready.after, ready.row, since, until, handed_at)

    def _enqueued(self) -> _Ready:
        facts, delay_s = self._facts, self._facts.plan.jobs[self._job].delay_s
        accepted_at, sent_at = facts.accepted_at[self._job], float(facts.sent_at[self._job])
        if not delay_s:
            return _Ready("enqueue", self._accepted, float(accepted_at), sent_at)
        if not facts.claims.delays:
            return _Ready("delay", self._accepted, None, sent_at)
        surely, step_s = float(accepted_at) + delay_s, facts.claims.timer_s
        return _Ready("delay", self._accepted, surely + step_s, sent_at + delay_s - step_s)

    def _replayed(self, ready: _Ready, since: float, until: float) -> _Ready:
        """What the last replay between these times made of it, if there was one."""
        for replay in self._life.replays:
            if not since <= replay.sent_at < until:
                continue
            self._least = 0
            done = replay.answer == Answer.OK
            if done:
                self._most, self._era_at = 0, replay.sent_at
            surely = replay.answered_at if done else None
            ready = _Ready("replay", replay.row, surely, replay.sent_at)
        return ready

    def _after(self, ended: Delivery) -> _Ready:
        """When the job is ready again after this delivery."""
        facts, over_at = self._facts, ended.over_at
        step_s = facts.claims.timer_s
        self._least += ended.counts is True
        self._most += ended.counts is not False
        unseen = self._astray.between(self._era_at, ended.at)  # also before its own repetitions
        most = self._most + unseen
        spent = most >= facts.plan.max_deliveries
        bounds = between(facts.plan.retry, max(1, self._least), max(1, most))
        if ended.ending == "released":
            return _Ready("hand-back", ended.end, over_at, ended.said_at)
        if ended.ending == "failed":
            if not facts.claims.retries:
                return _Ready("retry", ended.end, None, ended.said_at)
            surely = None if spent else over_at + bounds.most_s + step_s
            return _Ready("retry", ended.end, surely, ended.said_at + bounds.least_s - step_s)
        surely = None
        if not spent and (noticed_at := self._noticed_at(ended)) is not None:
            surely = noticed_at + bounds.most_s + step_s
        return _Ready("lost lease", max(ended.end, ended.row), surely, ended.since)

    def _noticed_at(self, ended: Delivery) -> float | None:
        """When the queue must have seen that the lease had ended: it was asked for work then."""
        facts, over_at = self._facts, ended.over_at
        if ended.ending in ("acked", "permanent", "open"):
            return None
        if ended.ending == "unknown":
            retried = facts.plan.jobs[self._job].behaviour in ("fail", "depends")
            handed_back = facts.history["event"][ended.end] == Event.HANDBACK_SENT
            if not (ended.release or (retried and handed_back)):
                return None  # it may be done, or have failed for good
        if ended.ending in ("crashed", "unknown"):
            lease_s = facts.plan.lease_s + facts.claims.timer_s
            over_at = max(ended.until, over_at + lease_s + linger_s(facts))
            over_at = min(over_at, max(ended.over_at, latest(facts, ended)))
        place = bisect_left(self._asks, over_at, key=lambda ask: ask.since)
        return min((ask.at for ask in self._asks[place : place + 8]), default=None)
