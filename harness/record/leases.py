"""Until when a delivery surely lasts, by what its holder knew. Finds, and judges nothing.

A lease surely lasts from the moment its holder knew of it until its length after the request was
sent. An extension counts from when it was sent, reaches no further than the job's timeout, and
means nothing once somebody else has the job: when it was sent or, without fencing, by its answer.
Where a lease ends with its holder's connection (:mod:`.broken`), it surely lasts no longer than
that.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple

from .broken import Broken
from .facts import Facts, Flags
from .history import Answer, Event

Holder = tuple[int, int, int, int, int]
"""Job, token, node, incarnation, and which time it was that this worker was given that token: a job
that was forgotten and came again begins with the tokens that it had before."""


class HandOver(NamedTuple):
    """A lease as its holder came to know it; ``row`` of the history."""

    at_s: float
    token: int
    row: int


class _InTime:
    """The deliveries of one job in the order of their times; there may be thousands.

    ``_greater`` says where behind each of them the first one with a newer token is, ``_highest``
    how high tokens had come by then, and ``_of_token`` where each token was handed out.
    """

    def __init__(self, handed_out: list[HandOver]) -> None:
        self._all = handed_out
        self._times = [one.at_s for one in handed_out]
        self._highest = list(accumulate((one.token for one in handed_out), max))
        self._greater = [len(handed_out)] * len(handed_out)
        self._of_token = defaultdict[int, list[int]](list)
        waiting: list[int] = []
        for place, one in enumerate(handed_out):
            self._of_token[one.token].append(place)
            while waiting and handed_out[waiting[-1]].token < one.token:
                self._greater[waiting.pop()] = place
            waiting.append(place)

    def newer(self, token: int, before_s: float) -> HandOver | None:
        """See :meth:`Leases.newer`."""
        by_then = bisect_left(self._times, before_s)
        mine = self._of_token.get(token, ())
        born = bisect_left(mine, by_then)
        place = self._greater[mine[born - 1]] if born else bisect_right(self._highest, token)
        return self._all[place] if place < by_then else None


class Leases:
    """The leases of some jobs of a run."""

    def __init__(self, facts: Facts, of: Flags) -> None:
        self._facts = facts
        self._of = of

    def rows(self, event: Event, answer: Answer | None = None) -> Iterator[tuple[int, Holder]]:
        """The rows of these jobs with that event, each with who wrote it about which delivery."""
        for row, named in self._named(event, answer):
            yield row, (*named, bisect_right(self._given[named], row))

    def _named(
        self, event: Event, answer: Answer | None = None
    ) -> Iterator[tuple[int, tuple[int, int, int, int]]]:
        """Rows with job, token, node and incarnation."""
        history, rows = self._facts.history, self._facts.rows(event, answer)
        rows = rows[self._of[history["job"][rows]]]
        if not len(rows):
            return
        columns = [history[name][rows].tolist() for name in ("job", "token", "node", "incarnation")]
        yield from zip(rows.tolist(), zip(*columns, strict=True), strict=True)

    @cached_property
    def _given(self) -> dict[tuple[int, int, int, int], list[int]]:
        """Where each worker was given each token of each job."""
        found = defaultdict[tuple[int, int, int, int], list[int]](list)
        for row, named in self._named(Event.LEASED):
            found[named].append(row)
        return found

    @cached_property
    def of_job(self) -> dict[int, list[HandOver]]:
        """Each job's leases, in the order in which they were told."""
        t, found = self._facts.history["t"], defaultdict[int, list[HandOver]](list)
        for row, (job, token, *_) in self.rows(Event.LEASED):
            found[job].append(HandOver(float(t[row]), token, row))
        return found

    def newer(self, job: int, token: int, before_s: float) -> HandOver | None:
        """The first delivery above this token that was surely under way before that time.

        One that came before the token itself was handed out is of an earlier life: the queue had
        forgotten the job, and counts anew.
        """
        handed_out = self._in_time.get(job)
        return handed_out.newer(token, before_s) if handed_out else None

    @cached_property
    def _in_time(self) -> dict[int, _InTime]:
        return {job: _InTime(sorted(handed_out)) for job, handed_out in self.of_job.items()}

    @cached_property
    def ends(self) -> dict[Holder, float]:
        """Until when each lease surely lasts, if its holder says no more."""
        history, step_s = self._facts.history, self._facts.claims.timer_s
        since, value = history["since"], history["value"]
        ends: dict[Holder, float] = {}
        timeouts: dict[Holder, float] = {}
        for row, holder in self.rows(Event.LEASED):
            ends[holder] = float(since[row] + value[row])
            timeouts[holder] = float(since[row]) + self._facts.plan.jobs[holder[0]].timeout_s
        for row, holder in self.rows(Event.EXTEND_ANSWERED, Answer.OK):
            sent = float(since[row])
            # Without fencing it is taken of whoever had the job once, whenever it arrives.
            known = sent if self._facts.claims.fencing else float(history["t"][row])
            if holder in ends and not self.newer(holder[0], holder[1], known):
                until = min(sent + float(value[row]), timeouts[holder])
                ends[holder] = max(ends[holder], until)
        if not self._facts.claims.lasting_leases:
            broken = Broken(self._facts)
            for row, holder in self.rows(Event.LEASED):
                _, _, node, incarnation, _ = holder
                ends[holder] = min(ends[holder], broken.first(node, incarnation, float(since[row])))
        return {holder: end - step_s for holder, end in ends.items()} if step_s else ends
