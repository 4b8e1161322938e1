"""The whole network goes dark for a while."""

from __future__ import annotations

from typing import ClassVar

from ..units import seconds
from .fault import LinkFault, Strike
from .fields import Span, When
from .world import CUT, Link


class NetTimeout(LinkFault, frozen=True, tag="net_timeout"):
    """From ``at_s`` for ``for_s`` seconds nothing passes in either direction; it is lost."""

    at_s: When
    for_s: Span

    label: ClassVar[str] = "network timeout"
    short: ClassVar[str] = "network dark"
    rank: ClassVar[int] = 5

    def link(self, node: int) -> Link | None:
        return CUT

    def sentence(self, strike: Strike) -> str:
        return f"the network went dark for {seconds(self.for_s)}"
