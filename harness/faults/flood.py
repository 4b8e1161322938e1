"""Many slow jobs arrive at once, and others must not wait behind them."""

from __future__ import annotations

from typing import ClassVar

from .fault import Draws, Strike, TimedFault
from .fields import When


class Flood(TimedFault, frozen=True, tag="flood"):
    """The jobs marked ``flood`` arrive from ``at_s`` on; struck when others wait behind them."""

    at_s: When

    label: ClassVar[str] = "flood"
    short: ClassVar[str] = "flood"
    rank: ClassVar[int] = 12
    leaves_reasons_alone: ClassVar[bool] = True
    floods: ClassVar[bool] = True

    @classmethod
    def draws(cls) -> Draws:
        """Exploration marks its jobs itself, where it wants a flood."""
        return {}

    def sentence(self, strike: Strike) -> str:
        return "the flood began"
