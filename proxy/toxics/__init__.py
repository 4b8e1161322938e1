"""The toxics, one small file each, and the line that registers each by its name in the API.

Nothing here knows a socket, a proxy or HTTP. A toxic of your own: write its file, add its
line, or put it into ``KINDS`` before the server starts.
"""

from __future__ import annotations

from .bandwidth import Bandwidth
from .latency import Latency
from .limit_data import LimitData
from .noop import Noop
from .reset_peer import ResetPeer
from .slicer import Slicer
from .slow_close import SlowClose
from .timeout import Timeout
from .toxic import Kind

KINDS: dict[str, Kind] = {
    "bandwidth": Kind(Bandwidth),
    "latency": Kind(Latency, holds=1024),
    "limit_data": Kind(LimitData),
    "noop": Kind(Noop),
    "reset_peer": Kind(ResetPeer, resets=True),
    "slicer": Kind(Slicer),
    "slow_close": Kind(SlowClose),
    "timeout": Kind(Timeout, closes_when_removed=True),
}
