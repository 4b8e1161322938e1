"""The faults of a plan: what may strike, where and when. Plain data, carried out by the drivers.

A fault is tied to a job and a point of its life, to the n-th round trip of a kind of call, or
to a time. Times are seconds after the start of the run.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from ..protocol.worker import Point

SERVER = -1  # where a node's number is asked for: the machine of the queue's server
FOR_EVER_S = 1e9  # a fault that lasts so long never heals, and nobody waits for it
Call = Literal["enqueue", "lease", "ack", "nack", "extend", "release", "dead", "replay"]
NetEffect = Literal["lose_request", "lose_reply", "delay", "duplicate", "reset"]


class KillAt(Struct, frozen=True, array_like=True, tag="kill_at"):
    """The worker kills itself with SIGKILL at ``point``, ``times`` times in a row.

    The first to die is the one that brings the job there for the ``nth`` time.
    """

    job: int
    point: Point
    times: int = 1
    nth: int = 1


class PauseAt(Struct, frozen=True, array_like=True, tag="pause_at"):
    """The worker that brings the job to ``point`` for the ``nth`` time is stopped, once.

    SIGSTOP, and ``for_s`` seconds later SIGCONT.
    """

    job: int
    point: Point
    for_s: float
    nth: int = 1


class KillWorker(Struct, frozen=True, array_like=True, tag="kill_worker"):
    """At ``at_s`` worker number ``worker`` and all its children are killed, wherever they are.

    It is started again ``for_s`` seconds later; None: after the plan's ``restart_s``.
    """

    worker: int
    at_s: float
    for_s: float | None = None


class NetFault(Struct, frozen=True, array_like=True, tag="net"):
    """The ``nth`` round trip of kind ``call`` (counted over all nodes, from 1) meets ``how``.

    ``delay_s`` is for how=delay; ``times`` round trips in a row are struck.
    """

    call: Call
    nth: int
    how: NetEffect
    delay_s: float = 0.0
    times: int = 1


class NetTimeout(Struct, frozen=True, array_like=True, tag="net_timeout"):
    """From ``at_s`` for ``for_s`` seconds nothing passes in either direction; it is lost."""

    at_s: float
    for_s: float


class Partition(Struct, frozen=True, array_like=True, tag="partition"):
    """From ``at_s`` for ``for_s`` seconds these workers and the queue cannot reach each other."""

    workers: tuple[int, ...]
    at_s: float
    for_s: float


class SlowNetwork(Struct, frozen=True, array_like=True, tag="slow_network"):
    """From ``at_s`` for ``for_s`` seconds every message takes ``latency_s`` longer, each way."""

    at_s: float
    for_s: float
    latency_s: float


class BrokerCrash(Struct, frozen=True, array_like=True, tag="broker_crash"):
    """At ``at_s`` the queue's server is killed; it is started again ``for_s`` seconds later."""

    at_s: float
    for_s: float


class Flood(Struct, frozen=True, array_like=True, tag="flood"):
    """The jobs marked ``flood`` arrive from ``at_s`` on; struck when others wait behind them."""

    at_s: float


class Outage(Struct, frozen=True, array_like=True, tag="outage"):
    """From ``at_s`` for ``for_s`` seconds what jobs depend on is down."""

    at_s: float
    for_s: float


class Terminate(Struct, frozen=True, array_like=True, tag="terminate"):
    """At ``at_s`` these workers get SIGTERM; who is not gone ``within_s`` later, SIGKILL."""

    workers: tuple[int, ...]
    at_s: float
    within_s: float


class SkewClock(Struct, frozen=True, array_like=True, tag="skew_clock"):
    """From ``at_s`` for ``for_s`` seconds a worker's or ``SERVER``'s wall clock is off by ``by_s``.

    Negative is behind; several add up. Real processes share one clock: there it strikes nothing.
    """

    node: int
    at_s: float
    by_s: float
    for_s: float


Fault = (
    KillAt
    | PauseAt
    | KillWorker
    | NetFault
    | NetTimeout
    | Flood
    | Partition
    | SlowNetwork
    | BrokerCrash
    | Outage
    | Terminate
    | SkewClock
)
Window = NetTimeout | Partition | SlowNetwork | BrokerCrash


def healing_s(lasts_s: float) -> float:
    """How long to wait for the end of what lasts so long: not at all, if it is for ever."""
    return lasts_s if lasts_s < FOR_EVER_S else 0.0
