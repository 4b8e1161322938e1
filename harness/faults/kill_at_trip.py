"""Whoever sends a request dies by SIGKILL, before it has passed or before its answer comes."""

from __future__ import annotations

from typing import ClassVar

from .fault import Draws, Strike, TripFault
from .fields import AtMoment, JobIndex, NthNamed, OnSide, OnTrip


class KillAtTrip(TripFault, frozen=True, tag="kill_at_trip"):
    """The worker or producer is killed with all its children at that round trip.

    ``moment``: before the request has passed, which it then never does; or after the broker has
    carried it out, and before its answer has come.
    """

    side: OnSide
    trip: OnTrip
    moment: AtMoment
    nth: NthNamed = 1
    job: JobIndex = 0

    rank: ClassVar[int] = 21
    label: ClassVar[str] = "kill at a round trip"
    short: ClassVar[str] = "killed"
    needs: ClassVar[str] = "it needs the embedded network and a library that brings its workers"
    ends_worker: ClassVar[bool] = True

    @property
    def at_answer(self) -> bool:
        return self.moment == "after"

    @classmethod
    def draws(cls) -> Draws:
        return {}  # what is simulated has no wire

    def sentence(self, strike: Strike) -> str:
        if self.moment == "before":
            return f"{strike.who} was killed before its {self.trip} had passed"
        return f"{strike.who} was killed after its {self.trip} was carried out, before the answer"
