"""One round trip is lost, cut, late, or the last for a while."""

from __future__ import annotations

from typing import ClassVar

from ..units import seconds
from .fault import Draws, Strike, TripFault
from .fields import HowTrip, JobIndex, NthNamed, OnSide, OnTrip, Span, TripEffect

CAPTIONS: dict[TripEffect, str] = {
    "lose_request": "request lost",
    "lose_reply": "answer lost",
    "reset_before": "reset",
    "reset_after": "reset",
    "late": "answer late",
    "dark": "silence",
    "twice": "delivered twice",
}


class BreakTrip(TripFault, frozen=True, tag="break_trip"):
    """That round trip meets ``how``.

    lose_request, lose_reply: it is swallowed, and so is whatever follows on its connection, which
    nobody closes. reset_before, reset_after: the connection is reset before the request has passed,
    or in place of its answer. late: the answer comes ``for_s`` seconds later. dark: from the
    request on nothing passes on any connection of that node for so long, and all of it then. twice:
    the request arrives a second time behind the first, and only the first answer comes back.
    """

    side: OnSide
    trip: OnTrip
    how: HowTrip
    nth: NthNamed = 1
    for_s: Span = 0.0
    job: JobIndex = 0

    rank: ClassVar[int] = 20
    label: ClassVar[str] = "broken round trip"
    short: ClassVar[str] = "broken"
    needs: ClassVar[str] = "it needs the embedded network and a library that brings its workers"

    @property
    def kind(self) -> str:
        return f"{CAPTIONS[self.how]} at a round trip"

    @property
    def caption(self) -> str:
        return CAPTIONS[self.how]

    @property
    def lasts_s(self) -> float:
        return self.for_s

    @property
    def at_answer(self) -> bool:
        return self.how in ("lose_reply", "reset_after", "late")

    @classmethod
    def draws(cls) -> Draws:
        return {}  # what is simulated has no wire

    def sentence(self, strike: Strike) -> str:
        match self.how:
            case "lose_request":
                return f"the {self.trip} of {strike.who} was lost, and its connection went silent"
            case "lose_reply":
                told = f"the {self.trip} of {strike.who} was carried out, its answer lost"
                return f"{told}, and its connection went silent"
            case "reset_before":
                return f"the connection was reset before the {self.trip} of {strike.who} had passed"
            case "reset_after":
                told = f"the {self.trip} of {strike.who} was carried out, and the connection reset"
                return f"{told} before its answer"
            case "late":
                told = f"the answer to the {self.trip} of {strike.who} was held back"
                return f"{told} for {seconds(self.for_s)}"
            case "twice":
                return f"the {self.trip} of {strike.who} arrived twice"
            case "dark":
                told = f"from its {self.trip} on, nothing of {strike.who} passed"
                return f"{told} for {seconds(self.for_s)}, on any connection"
