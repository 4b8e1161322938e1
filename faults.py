"""``from jobquake.faults import KillAt``: what may strike in a plan, and what faults are made of.

Every fault is here under the name of its class, those in files that you add, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .harness.faults import (
    FAULTS,
    FOR_EVER_S,
    SERVER,
    AnyFault,
    Call,
    CallFault,
    LastingFault,
    LinkFault,
    NetEffect,
    PointFault,
    Strike,
    TimedFault,
    TripFault,
    tag_of,
)
from .protocol.worker import Point

if TYPE_CHECKING:
    from .harness.faults.break_trip import BreakTrip as BreakTrip
    from .harness.faults.broker_crash import BrokerCrash as BrokerCrash
    from .harness.faults.flood import Flood as Flood
    from .harness.faults.kill_at import KillAt as KillAt
    from .harness.faults.kill_at_trip import KillAtTrip as KillAtTrip
    from .harness.faults.kill_process_at import KillProcessAt as KillProcessAt
    from .harness.faults.kill_taking import KillTaking as KillTaking
    from .harness.faults.kill_worker import KillWorker as KillWorker
    from .harness.faults.net_fault import NetFault as NetFault
    from .harness.faults.net_timeout import NetTimeout as NetTimeout
    from .harness.faults.outage import Outage as Outage
    from .harness.faults.partition import Partition as Partition
    from .harness.faults.pause_at import PauseAt as PauseAt
    from .harness.faults.skew_clock import SkewClock as SkewClock
    from .harness.faults.slow_network import SlowNetwork as SlowNetwork
    from .harness.faults.terminate import Terminate as Terminate

__all__ = [
    "FAULTS",
    "FOR_EVER_S",
    "SERVER",
    "AnyFault",
    "Call",
    "CallFault",
    "LastingFault",
    "LinkFault",
    "NetEffect",
    "Point",
    "PointFault",
    "Strike",
    "TimedFault",
    "TripFault",
    "tag_of",
]
globals().update({fault.__name__: fault for fault in FAULTS.values()})
__all__ += [fault.__name__ for fault in FAULTS.values()]
