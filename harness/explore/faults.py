"""What may strike a plan: one small function for each kind of fault, drawing where and when.

A kind draws from a sketch of the plan and never asks whether its fault will hit: whatever
strikes nothing costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import NamedTuple, get_args

from ...protocol.worker import POINTS
from ..faults.broker_crash import BrokerCrash
from ..faults.fault import Fault
from ..faults.fields import FOR_EVER_S, SERVER, Call, NetEffect
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

CALLS: tuple[Call, ...] = get_args(Call)
EARLY = POINTS[: POINTS.index("before_effect") + 1]  # a death here repeats no effect
FREQUENT: tuple[Call, ...] = ("enqueue", "lease", "ack") * 3 + CALLS


class Sketch(NamedTuple):
    """What a fault needs to know of its plan. ``moments_s`` are times at which things happen."""

    jobs: int
    workers: int
    lease_s: float
    call_timeout_s: float
    moments_s: tuple[float, ...]


def moment_s(rng: Random, sketch: Sketch) -> float:
    """A time near one at which something happens, since faults between events hit nothing."""
    return round(max(0.0, rng.choice(sketch.moments_s) + rng.uniform(-0.05, 0.3)), 3)


def span_s(rng: Random, sketch: Sketch) -> float:
    """How long something lasts: from well below the lease to well beyond it."""
    return round(sketch.lease_s * 2 ** rng.uniform(-2.0, 1.7), 3)


def _job(rng: Random, sketch: Sketch) -> int:
    return rng.randrange(sketch.jobs)


def _nth(rng: Random) -> int:
    """Mostly the first delivery, now and then a later one."""
    return 1 + (rng.random() < 0.25) + (rng.random() < 0.1)


def _workers(rng: Random, sketch: Sketch) -> tuple[int, ...]:
    count = rng.randint(1, sketch.workers)
    return tuple(sorted(rng.sample(range(sketch.workers), count)))


def _kill_at(rng: Random, sketch: Sketch) -> Fault:
    times = rng.choice((1, 1, 1, 2, 5))
    return KillAt(_job(rng, sketch), rng.choice(POINTS), times, _nth(rng))


def _early_kill(rng: Random, sketch: Sketch) -> Fault:
    return KillAt(_job(rng, sketch), rng.choice(EARLY), 1, _nth(rng))


def _pause_at(rng: Random, sketch: Sketch) -> Fault:
    return PauseAt(_job(rng, sketch), rng.choice(POINTS), span_s(rng, sketch), _nth(rng))


def _kill_worker(rng: Random, sketch: Sketch) -> Fault:
    back_s = rng.choice((None, None, span_s(rng, sketch)))
    return KillWorker(rng.randrange(sketch.workers), moment_s(rng, sketch), back_s)


def _on_call(how: NetEffect, calls: tuple[Call, ...] = FREQUENT) -> Drawer:
    def drawer(rng: Random, sketch: Sketch) -> Fault:
        call = rng.choice(calls)
        nth = 1 + min(int(rng.expovariate(0.5)), 2 * sketch.jobs)
        delay_s = 0.0
        if how == "delay":
            delay_s = round(sketch.call_timeout_s * 2 ** rng.uniform(-2.0, 3.5), 3)
        times = 1 if how == "duplicate" else rng.choice((1, 1, 1, 2, 6))
        return NetFault(call, nth, how, delay_s, times)

    return drawer


def _net_timeout(rng: Random, sketch: Sketch) -> Fault:
    return NetTimeout(moment_s(rng, sketch), span_s(rng, sketch))


def _partition(rng: Random, sketch: Sketch) -> Fault:
    return Partition(_workers(rng, sketch), moment_s(rng, sketch), span_s(rng, sketch))


def _slow_network(rng: Random, sketch: Sketch) -> Fault:
    latency_s = round(sketch.call_timeout_s * rng.uniform(0.1, 1.2), 3)
    return SlowNetwork(moment_s(rng, sketch), span_s(rng, sketch), latency_s)


def _broker_crash(rng: Random, sketch: Sketch) -> Fault:
    return BrokerCrash(moment_s(rng, sketch), round(rng.uniform(0.01, 0.6), 3))


def _outage(rng: Random, sketch: Sketch) -> Fault:
    return Outage(moment_s(rng, sketch), span_s(rng, sketch))


def _terminate(rng: Random, sketch: Sketch) -> Fault:
    return Terminate(_workers(rng, sketch), moment_s(rng, sketch), span_s(rng, sketch))


def _skew_clock(rng: Random, sketch: Sketch) -> Fault:
    """A worker's clock or the server's, ahead or behind, by less or more than the lease."""
    node = SERVER if rng.random() < 0.4 else rng.randrange(sketch.workers)
    by_s = round(rng.choice((-1, 1)) * rng.choice((span_s(rng, sketch), 30.0)), 3)
    return SkewClock(node, moment_s(rng, sketch), by_s, rng.choice((span_s(rng, sketch), 30.0)))


def _never_returns(rng: Random, sketch: Sketch) -> Fault:
    return KillWorker(rng.randrange(sketch.workers), moment_s(rng, sketch), FOR_EVER_S)


def _stays_cut(rng: Random, sketch: Sketch) -> Fault:
    return Partition((rng.randrange(sketch.workers),), moment_s(rng, sketch), FOR_EVER_S)


Drawer = Callable[[Random, Sketch], Fault]

KINDS: dict[str, Drawer] = {
    "kill at a point": _kill_at,
    "pause at a point": _pause_at,
    "kill a worker": _kill_worker,
    "lose a request": _on_call("lose_request"),
    "lose a reply": _on_call("lose_reply"),
    "delay a call": _on_call("delay"),
    "deliver a call twice": _on_call("duplicate"),
    "reset a call": _on_call("reset"),
    "dark network": _net_timeout,
    "partition": _partition,
    "slow network": _slow_network,
    "server crash": _broker_crash,
    "outage": _outage,
    "deploy": _terminate,
    "skewed clock": _skew_clock,
}
# After these no effect is repeated, and no worker is slowed down that has one to report.
HARMLESS: dict[str, Drawer] = {
    "early kill": _early_kill,
    "lose a lease or enqueue request": _on_call("lose_request", ("lease", "enqueue")),
    "lose a lease or enqueue reply": _on_call("lose_reply", ("lease", "enqueue")),
    "deliver a lease or enqueue twice": _on_call("duplicate", ("lease", "enqueue")),
}
FOR_EVER: dict[str, Drawer] = {
    "a worker never returns": _never_returns,
    "a link stays cut": _stays_cut,
}
