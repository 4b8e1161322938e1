"""A strategy for every kind of fault; ``kills() | lost_replies()`` draws either.

Each takes the range that it draws from; what is not given is what most tests want. All times
are seconds after the start of the run. Faults that last end by themselves, and so a correct
queue gets over any number of them.
"""

from __future__ import annotations

from typing import get_args

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from ...protocol.worker import POINTS, Point
from ..faults.broker_crash import BrokerCrash
from ..faults.fault import Fault
from ..faults.fields import SERVER, Call, NetEffect
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
from .times import seconds

CALLS: tuple[Call, ...] = get_args(Call)
NUMBERS = st.integers(0, 15)  # of a job or a worker; the plan folds it into what it has
WHEN_S = 4.0


def kills(points: tuple[Point, ...] = POINTS, most_times: int = 3) -> SearchStrategy[KillAt]:
    """The worker dies at a point of a job's life, in up to ``most_times`` of its deliveries."""
    return st.builds(KillAt, NUMBERS, st.sampled_from(points), st.integers(1, most_times))


def pauses(points: tuple[Point, ...] = POINTS, most_s: float = 6.0) -> SearchStrategy[PauseAt]:
    """The worker stands still at a point, for so long that its lease may end meanwhile."""
    return st.builds(PauseAt, NUMBERS, st.sampled_from(points), seconds(0.001, most_s))


def worker_kills(within_s: float = WHEN_S) -> SearchStrategy[KillWorker]:
    """A worker dies at some time, whatever it does just then."""
    return st.builds(KillWorker, NUMBERS, seconds(0, within_s))


def _calls(
    how: NetEffect, calls: tuple[Call, ...], most_times: int, delay_s: SearchStrategy[float]
) -> SearchStrategy[NetFault]:
    return st.builds(
        NetFault,
        st.sampled_from(calls),
        st.integers(1, 12),
        st.just(how),
        delay_s,
        st.integers(1, most_times),
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
    return st.builds(NetTimeout, seconds(0, within_s), seconds(0.001, most_s))


def partitions(within_s: float = WHEN_S, most_s: float = 4.0) -> SearchStrategy[Partition]:
    """Some workers and the queue cannot reach each other for up to ``most_s``."""
    cut_off = st.sets(NUMBERS, min_size=1, max_size=3).map(lambda found: tuple(sorted(found)))
    return st.builds(Partition, cut_off, seconds(0, within_s), seconds(0.001, most_s))


def slow_networks(
    within_s: float = WHEN_S, most_s: float = 2.0, latency_s: float = 0.4
) -> SearchStrategy[SlowNetwork]:
    """Every message takes up to ``latency_s`` longer, perhaps too long for its caller."""
    return st.builds(
        SlowNetwork, seconds(0, within_s), seconds(0.001, most_s), seconds(0.001, latency_s)
    )


def broker_crashes(within_s: float = WHEN_S, most_s: float = 1.0) -> SearchStrategy[BrokerCrash]:
    """The queue's server is killed, and back up to ``most_s`` later."""
    return st.builds(BrokerCrash, seconds(0, within_s), seconds(0.001, most_s))


def outages(within_s: float = WHEN_S, most_s: float = 2.0) -> SearchStrategy[Outage]:
    """What jobs depend on is down: those that depend on it fail, the malformed for good."""
    return st.builds(Outage, seconds(0, within_s), seconds(0.001, most_s))


def terminations(within_s: float = WHEN_S, most_s: float = 2.0) -> SearchStrategy[Terminate]:
    """Some workers are told to stop, and killed if they are not gone within ``most_s``."""
    told = st.sets(NUMBERS, min_size=1, max_size=3).map(lambda found: tuple(sorted(found)))
    return st.builds(Terminate, told, seconds(0, within_s), seconds(0.001, most_s))


def floods(within_s: float = 1.0) -> SearchStrategy[Flood]:
    """Slow jobs arrive at once; ``plans`` gives them a queue and a pool of their own."""
    return st.builds(Flood, seconds(0, within_s))


def skewed_clocks(
    within_s: float = WHEN_S, most_s: float = 4.0, far_s: float = 30.0
) -> SearchStrategy[SkewClock]:
    """A worker's or the server's wall clock is up to ``far_s`` ahead or behind, for ``most_s``.

    In virtual time only; real processes share one clock, and there it strikes nothing.
    """
    off_s = seconds(0.001, far_s)
    return st.builds(
        SkewClock,
        NUMBERS | st.just(SERVER),
        seconds(0, within_s),
        off_s | off_s.map(lambda by_s: -by_s),
        seconds(0.001, most_s),
    )


def faults() -> SearchStrategy[Fault]:
    """Any fault of any kind, simple ones first."""
    return st.one_of(
        kills(),
        pauses(),
        worker_kills(),
        lost_requests(),
        lost_replies(),
        late_calls(),
        doubled_calls(),
        reset_calls(),
        network_timeouts(),
        partitions(),
        slow_networks(),
        broker_crashes(),
        outages(),
        terminations(),
        floods(),
        skewed_clocks(),
    )
