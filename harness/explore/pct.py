"""Few forced orderings at random places: probabilistic concurrency testing for jobs.

After Burckhardt et al. (ASPLOS 2010): a bug of depth d needs d events in one order, and to
choose d places at random among all that happen finds it with a known probability, however
many other events there are. Here the places are the moments in the life of the jobs, read
from a run of the plan, and an order is forced by a fault at a place: its worker dies or is
held up for longer than its lease, its call is lost or late. Each place is drawn from the run
that has the faults before it, so that what happens in a recovery can be struck, too.
"""

from __future__ import annotations

from collections import Counter
from random import Random

from msgspec.structs import replace

from ...protocol.worker import Point
from ..faults.broker_crash import BrokerCrash
from ..faults.fault import Fault
from ..faults.fields import SERVER, Call, NetEffect
from ..faults.kill_at import KillAt
from ..faults.net_fault import NetFault
from ..faults.pause_at import PauseAt
from ..faults.skew_clock import SkewClock
from ..plan.plan import Plan
from ..record.facts import Facts
from ..record.history import Answer, Event

AT_EVENT: dict[Event, tuple[Point, ...]] = {
    Event.LEASED: ("after_lease", "mid_job"),
    Event.EFFECT: ("before_effect", "after_effect"),
    Event.ACK_ANSWERED: ("after_ack",),
}
ON_EVENT: dict[Event, Call] = {
    Event.ENQUEUE_ANSWERED: "enqueue",
    Event.LEASED: "lease",
    Event.ACK_ANSWERED: "ack",
    Event.NACK_ANSWERED: "nack",
    Event.EXTEND_ANSWERED: "extend",
    Event.RELEASE_ANSWERED: "release",
    Event.REPLAY_ANSWERED: "replay",
}
HOW: tuple[NetEffect, ...] = ("lose_request", "lose_reply", "delay", "duplicate")


def depth(rng: Random) -> int:
    """How many orderings to force: most bugs need few."""
    return rng.choice((1, 1, 2, 2, 2, 3))


def forced(rng: Random, facts: Facts) -> Plan:
    """The plan of that run with one more order forced, at a place drawn from its events."""
    plan, history = facts.plan, facts.history
    events = history["event"]
    rows = [i for i in range(len(history)) if int(events[i]) in ON_EVENT]
    if not rows:
        return plan
    place = rng.choice(rows)
    return replace(plan, faults=(*plan.faults, _fault(rng, facts, place)))


def _fault(rng: Random, facts: Facts, place: int) -> Fault:
    plan, history = facts.plan, facts.history
    event, job = Event(int(history["event"][place])), int(history["job"][place])
    longer_s = round(plan.lease_s * rng.uniform(1.0, 2.5), 3)
    at_s = round(float(history["t"][place]), 3)
    if rng.random() < 0.1:
        return BrokerCrash(at_s, 0.1)
    if rng.random() < 0.1:
        node = SERVER if rng.random() < 0.5 else rng.randrange(len(plan.workers))
        return SkewClock(node, at_s, rng.choice((-30.0, 30.0)), 1.0)
    if event in AT_EVENT and rng.random() < 0.6:
        point = rng.choice(AT_EVENT[event])
        nth = _passings(facts, event, job, place)
        return (
            KillAt(job, point, 1, nth) if rng.random() < 0.5 else PauseAt(job, point, longer_s, nth)
        )
    how = rng.choice(HOW)
    call = ON_EVENT[event]
    nth = Counter(history["event"][: place + 1].tolist())[int(event)]
    return NetFault(call, nth, how, longer_s if how == "delay" else 0.0)


def _passings(facts: Facts, event: Event, job: int, place: int) -> int:
    """How often this had happened to the job when it happened there."""
    history = facts.history
    before = history["event"][: place + 1] == int(event)
    same = before & (history["job"][: place + 1] == job)
    if event == Event.ACK_ANSWERED:
        same &= history["answer"][: place + 1] == int(Answer.OK)
    return max(1, int(same.sum()))
