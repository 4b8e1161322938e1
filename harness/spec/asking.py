"""Who asked the queue for work, when, and what for all we know may have been handed out unseen.

An ask is one request of a worker for a job, from the moment it was sent to the moment at which
its answer was there. A grant may have gone astray where no answer came: to a request that was
lost on its way, or whose worker died while it waited; or where one came only when the client had
sent it again. Each of them took one delivery of one job
at most, of a queue that its worker serves, and nobody would know.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from ..faults.fault import CallFault, LinkFault
from ..record.facts import Facts
from ..record.history import Answer, Event
from ..record.once import once

LEASE_CALLS = ("lease", "granted")
NEVER = float("inf")
ANYBODY = -1

Meant = tuple[int, tuple[float, float]]  # the worker whom a grant was for, and its span


class Ask(NamedTuple):
    """A worker's request, which was answered at ``at``; ``got``: with this job, None: with none.

    ``queues`` has a bit for each queue that was asked; 0: all that the worker serves.
    """

    row: int
    node: int
    since: float
    at: float
    got: int | None
    queues: int = 0

    def asked(self, queue: int) -> bool:
        return not self.queues or bool(self.queues >> queue & 1)


class Astray:
    """The grants that may have gone astray, each with the span in which it was made if it was."""

    def __init__(self, spans: list[tuple[float, float]]) -> None:
        in_order = sorted(spans)
        self._since = [since for since, _ in in_order]
        self._until = sorted(until for _, until in in_order)
        self._latest = list(accumulate((until for _, until in in_order), max))

    @property
    def under_way(self) -> int:
        """How many may still be on their way at the end of the run, if no fault met them."""
        return len(self._until) - bisect_left(self._until, NEVER)

    def between(self, since: float, until: float) -> int:
        """How many may have been made between these times: begun by then, and not over before."""
        if until < since:
            return 0
        return bisect_right(self._since, until) - bisect_left(self._until, since)

    def sure_until(self, earliest: float, since: float) -> float:
        """Until when nobody can have been given a job unseen that may be ready at ``earliest``.

        ``since`` itself, or a time before it, if that may have been so already.
        """
        place = bisect_right(self._since, since)
        if place and self._latest[place - 1] >= earliest:
            return -NEVER
        return self._since[place] if place < len(self._since) else NEVER


class Asking(NamedTuple):
    """Per queue, by its number: the asks that were answered, in the order in which they were
    sent, and the grants that may have gone astray. ``one_by_one``: the workers that serve several
    queues and do not ask them together.
    """

    asks: dict[int, list[Ask]]
    astray: dict[int, Astray]
    one_by_one: frozenset[int]


@once
def asking(facts: Facts) -> Asking:
    """Who asked for jobs of each queue."""
    plan = facts.plan
    numbers = {queue.name: number for number, queue in enumerate(plan.queues)}
    served = [[numbers[name] for name in pool.queues] for pool in plan.workers]
    asks: dict[int, list[Ask]] = defaultdict(list)
    spans: dict[int, list[tuple[float, float]]] = {number: [] for number in numbers.values()}
    of_queue: dict[int, set[int]] = defaultdict(set)
    for job, planned in enumerate(plan.jobs):
        of_queue[planned.queue].add(job)
    answered = [ask for ask in _asks(facts) if 0 <= ask.node < len(served)]
    one_by_one = frozenset(
        ask.node for ask in answered if not all(map(ask.asked, served[ask.node]))
    )
    for ask in answered:
        for queue in served[ask.node]:
            if ask.node in one_by_one and ask.got is not None:
                surely = ask.got in of_queue[queue]
            else:
                surely = ask.asked(queue)
            if surely:
                asks[queue].append(ask)
    for node, span in _unanswered(facts) + _repeated(facts, answered) + _unheard(facts):
        if node < len(served):
            for queue in served[node] if node >= 0 else spans:
                spans[queue].append(span)
    for of_one in asks.values():
        of_one.sort(key=lambda ask: ask.since)
    astray = {queue: Astray(found) for queue, found in spans.items()}
    return Asking(dict(asks), astray, one_by_one)


def _asks(facts: Facts) -> list[Ask]:
    history = facts.history
    nothing = history.where(Event.NOTHING_TO_DO, Answer.OK)
    granted = history.where(Event.LEASED)
    rows = np.sort(np.concatenate([nothing, granted]))
    names = ("node", "since", "t", "event", "job", "key")
    columns = [history[name][rows].tolist() for name in names]
    return [
        Ask(row, node, since, t, job)
        if event == Event.LEASED
        else Ask(row, node, since, t, None, queues)
        for row, node, since, t, event, job, queues in zip(rows.tolist(), *columns, strict=True)
    ]


def linger_s(facts: Facts) -> float:
    """How long after its sender gave up a request may still be carried out, by the faults."""
    plan, longest_s = facts.plan, 0.0
    for fault in plan.faults:
        if isinstance(fault, CallFault):
            longest_s = max(longest_s, fault.delay_s)
        elif isinstance(fault, LinkFault):
            links = [fault.link(node) for node in range(len(plan.workers))]
            later_s = max((link.later_s for link in links if link), default=0.0)
            longest_s = max(longest_s, fault.lasts_s + later_s)
    return plan.call_timeout_s + longest_s


def shortest_s(facts: Facts, job: int) -> float:
    """How long a delivery of the job must have lasted at least, if nobody heard of it."""
    lease_s = min(facts.plan.lease_s, facts.plan.jobs[job].timeout_s)
    return max(0.0, lease_s - facts.claims.timer_s)


def _unanswered(facts: Facts) -> list[Meant]:
    """To requests that nobody answered, or that arrived twice."""
    plan, history, more_s = facts.plan, facts.history, linger_s(facts)
    found: list[Meant] = []
    for row in history.where(Event.NOTHING_TO_DO, Answer.UNKNOWN).tolist():
        span = float(history["since"][row]), float(history["t"][row]) + more_s
        found.append((int(history["node"][row]), span))
    for row in history.where(Event.FAULT_STRUCK).tolist():
        fault = plan.faults[int(history["fault"][row])]
        at = float(history["t"][row])
        if isinstance(fault, CallFault) and fault.call in LEASE_CALLS and fault.how == "duplicate":
            found.append((ANYBODY, (at - plan.call_timeout_s, at + more_s)))
        if fault.strikes_server and not facts.claims.durable:
            found.append((ANYBODY, (at, at)))  # what waited then may be gone
    return found


def _repeated(facts: Facts, answered: list[Ask]) -> list[Meant]:
    """To requests that were answered when a client sent them again by itself, after a strike.

    What was granted first may be somebody's lease that nobody knows of, until it is over.
    """
    of_node: dict[int, list[Ask]] = defaultdict(list)
    for ask in answered:
        of_node[ask.node].append(ask)
    found: list[Meant] = []
    history = facts.history
    for row in history.where(Event.FAULT_STRUCK).tolist():
        fault = facts.plan.faults[int(history["fault"][row])]
        if not isinstance(fault, CallFault) or fault.call not in LEASE_CALLS:
            continue
        node, at = int(history["node"][row]), float(history["t"][row])
        found += [(node, (ask.since, ask.at)) for ask in of_node[node] if ask.since <= at < ask.at]
    return found


def _unheard(facts: Facts) -> list[Meant]:
    """Of workers that ended while they asked, or whom the end of the run met at that."""
    history, more_s = facts.history, linger_s(facts)
    words = (Event.WORKER_STARTED, Event.NOTHING_TO_DO, Event.FINISHED, Event.LEASE_LOST)
    rows = history.where_any(*words, Event.LEASED, Event.WORKER_EXITED)
    columns = [history[name][rows].tolist() for name in ("event", "t", "node", "value")]
    idle_since: dict[int, float] = {}
    spans: list[Meant] = []
    for event, t, node, value in zip(*columns, strict=True):
        if event == Event.WORKER_EXITED:
            since = idle_since.pop(node, None)
            if since is not None and value != 0:  # else it left of its own accord
                spans.append((node, (since, t + more_s)))
        elif event == Event.LEASED:
            idle_since.pop(node, None)
        else:
            idle_since[node] = t
    strikes = history.where(Event.FAULT_STRUCK)
    struck = zip(history["node"][strikes].tolist(), history["t"][strikes].tolist(), strict=True)
    struck_at = dict(struck)  # at last: what was lost then may have been a grant
    for node, since in idle_since.items():
        lost = struck_at.get(node, -NEVER) >= since
        spans.append((node, (since, facts.ended_at if lost else NEVER)))
    return spans
