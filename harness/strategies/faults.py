"""A strategy for every kind of fault; ``kills() | lost_replies()`` draws either.

Each takes the range that it draws from; what is not given is what most tests want. All times
are seconds after the start of the run. Faults that last end by themselves, and so a correct
queue gets over any number of them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from ...protocol.worker import POINTS, Point
from ..faults import FAULTS
from ..faults.broker_crash import BrokerCrash
from ..faults.fault import Fault
from ..faults.fields import CALLS, Call, NetEffect
from ..faults.flood import Flood
from ..faults.kill_at import KillAt
from ..faults.kill_worker import KillWorker
from ..faults.net_fault import NetFault
from ..faults.net_timeout import NetTimeout
from ..faults.outage import Outage
from ..faults.partition import Partition
from ..faults.pause_at import PauseAt
from ..faults.skew_clock import SkewClock
from ..faults.slow_network import SlowNetwork
from ..faults.terminate import Terminate
from .fields import WHEN_S, of, offsets
from .times import seconds


def kills(points: tuple[Point, ...] = POINTS, most_times: int = 3) -> SearchStrategy[KillAt]:
    """The worker dies at a point of a job's life, in up to ``most_times`` of its deliveries."""
    return of(KillAt, point=st.sampled_from(points), times=st.integers(1, most_times))


def pauses(points: tuple[Point, ...] = POINTS, most_s: float = 6.0) -> SearchStrategy[PauseAt]:
    """The worker stands still at a point, for so long that its lease may end meanwhile."""
    return of(PauseAt, point=st.sampled_from(points), for_s=seconds(0.001, most_s))


def worker_kills(within_s: float = WHEN_S) -> SearchStrategy[KillWorker]:
    """A worker dies at some time, whatever it does just then."""
    return of(KillWorker, at_s=seconds(0, within_s))


def _calls(
    how: NetEffect, calls: tuple[Call, ...], most_times: int, delay_s: SearchStrategy[float]
) -> SearchStrategy[NetFault]:
    return of(
        NetFault,
        call=st.sampled_from(calls),
        how=st.just(how),
        delay_s=delay_s,
        times=st.integers(1, most_times),
    )


def lost_requests(calls: tuple[Call, ...] = CALLS, most_times: int = 2) -> SearchStrategy[NetFault]:
    """Up to ``most_times`` requests in a row do not arrive."""
    return _calls("lose_request", calls, most_times, st.just(0.0))


def lost_replies(calls: tuple[Call, ...] = CALLS, most_times: int = 2) -> SearchStrategy[NetFault]:
    """The queue does what it is asked and the caller is not told, ``most_times`` in a row."""
    return _calls("lose_reply", calls, most_times, st.just(0.0))


def late_calls(calls: tuple[Call, ...] = CALLS, most_s: float = 3.0) -> SearchStrategy[NetFault]:
    """A request arrives late, perhaps when its caller has given up and sent another."""
    return _calls("delay", calls, 1, seconds(0.001, most_s))


def doubled_calls(calls: tuple[Call, ...] = CALLS) -> SearchStrategy[NetFault]:
    """A request arrives twice."""
    return _calls("duplicate", calls, 1, st.just(0.0))


def reset_calls(calls: tuple[Call, ...] = CALLS) -> SearchStrategy[NetFault]:
    """The connection is reset before the request arrives."""
    return _calls("reset", calls, 1, st.just(0.0))


def network_timeouts(within_s: float = WHEN_S, most_s: float = 2.0) -> SearchStrategy[NetTimeout]:
    """Nothing passes, for everybody, for up to ``most_s``."""
    return of(NetTimeout, at_s=seconds(0, within_s), for_s=seconds(0.001, most_s))


def partitions(within_s: float = WHEN_S, most_s: float = 4.0) -> SearchStrategy[Partition]:
    """Some workers and the queue cannot reach each other for up to ``most_s``."""
    return of(Partition, at_s=seconds(0, within_s), for_s=seconds(0.001, most_s))


def slow_networks(
    within_s: float = WHEN_S, most_s: float = 2.0, latency_s: float = 0.4
) -> SearchStrategy[SlowNetwork]:
    """Every message takes up to ``latency_s`` longer, perhaps too long for its caller."""
    return of(
        SlowNetwork,
        at_s=seconds(0, within_s),
        for_s=seconds(0.001, most_s),
        latency_s=seconds(0.001, latency_s),
    )


def broker_crashes(within_s: float = WHEN_S, most_s: float = 1.0) -> SearchStrategy[BrokerCrash]:
    """The queue's server is killed, and back up to ``most_s`` later."""
    return of(BrokerCrash, at_s=seconds(0, within_s), for_s=seconds(0.001, most_s))


def outages(within_s: float = WHEN_S, most_s: float = 2.0) -> SearchStrategy[Outage]:
    """What jobs depend on is down: those that depend on it fail, the malformed for good."""
    return of(Outage, at_s=seconds(0, within_s), for_s=seconds(0.001, most_s))


def terminations(within_s: float = WHEN_S, most_s: float = 2.0) -> SearchStrategy[Terminate]:
    """Some workers are told to stop, and killed if they are not gone within ``most_s``."""
    return of(Terminate, at_s=seconds(0, within_s), within_s=seconds(0.001, most_s))


def floods(within_s: float = 1.0) -> SearchStrategy[Flood]:
    """Slow jobs arrive at once; ``plans`` gives them a queue and a pool of their own."""
    return of(Flood, at_s=seconds(0, within_s))


def skewed_clocks(
    within_s: float = WHEN_S, most_s: float = 4.0, far_s: float = 30.0
) -> SearchStrategy[SkewClock]:
    """A worker's or the server's wall clock is up to ``far_s`` ahead or behind, for ``most_s``.

    In virtual time only; real processes share one clock, and there it strikes nothing.
    """
    return of(
        SkewClock,
        at_s=seconds(0, within_s),
        by_s=offsets(far_s),
        for_s=seconds(0.001, most_s),
    )


CALL_FAULTS = (lost_requests, lost_replies, late_calls, doubled_calls, reset_calls)
# Faults that are drawn from ranges of their own; any other one is drawn by its fields alone.
NAMED: dict[type[Fault], tuple[Callable[[], SearchStrategy[Any]], ...]] = {
    KillAt: (kills,),
    PauseAt: (pauses,),
    NetFault: CALL_FAULTS,
    Partition: (partitions,),
    SlowNetwork: (slow_networks,),
    BrokerCrash: (broker_crashes,),
    Flood: (floods,),
    SkewClock: (skewed_clocks,),
}


def faults() -> SearchStrategy[Fault]:
    """Any fault that there is, of any kind, simple ones first."""
    ways = [draw() for fault in FAULTS.values() for draw in NAMED.get(fault, (partial(of, fault),))]
    return st.one_of(*ways)
