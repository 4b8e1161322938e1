"""Many slow jobs arrive at once, and others must not wait behind them."""

from __future__ import annotations

from typing import ClassVar

from .fault import Strike, TimedFault
from .fields import When


class Flood(TimedFault, frozen=True, tag="flood"):
    """The jobs marked ``flood`` arrive from ``at_s`` on; struck when others wait behind them."""

    at_s: When

    label: ClassVar[str] = "flood"
    short: ClassVar[str] = "flood"
    floods: ClassVar[bool] = True

    def sentence(self, strike: Strike) -> str:
        return "the flood began"
