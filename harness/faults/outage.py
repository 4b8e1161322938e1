"""What jobs depend on is down for a while: those that need it fail meanwhile."""

from __future__ import annotations

from typing import ClassVar

from ..units import seconds
from .fault import LastingFault, Strike
from .fields import Span, When


class Outage(LastingFault, frozen=True, tag="outage"):
    """From ``at_s`` for ``for_s`` seconds what jobs depend on is down."""

    at_s: When
    for_s: Span

    label: ClassVar[str] = "outage"
    short: ClassVar[str] = "outage"
    rank: ClassVar[int] = 9
    leaves_reasons_alone: ClassVar[bool] = True
    takes_dependency_away: ClassVar[bool] = True

    def sentence(self, strike: Strike) -> str:
        return f"what the jobs depend on went down for {seconds(self.for_s)}"
