"""The round trips of a job's life, of all that passed while nothing but one job was done.

What also passes while nobody has a job is the idle loop, unless it carries the job. A boundary is
known by who asks, by its name on the wire, and by the how manieth of that name it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from msgspec import Struct

from ..harness.drivers.trips import Trip
from ..harness.faults.fields import Side

# Of a connection: its opening, and its closing, which nobody waits for.
OPENS = {
    "CLIENT SETINFO", "CLIENT SETNAME", "HELLO", "AUTH", "SELECT", "PING", "connect", "log in",
    "close", "connection.start-ok", "connection.tune-ok", "connection.open", "connection.close",
    "channel.open", "channel.close", "confirm.select",
}  # fmt: skip
BEAT = "heartbeat"  # of a connection, whenever it has been quiet


class Boundary(Struct, frozen=True):
    """One round trip of a job's life. ``nth`` 0: the one of its name that brings the job.

    ``at_s`` is when it was in the clean run, after the job was sent. ``carries``: it has the job's
    id in it; ``opens``: it is of the opening of a connection, and nothing else. ``service``: to
    whom it goes, "" is the broker. ``bears_twice``: its request may arrive twice, and whoever sent
    it would not see that.
    """

    side: Side
    trip: str
    nth: int
    carries: bool = False
    opens: bool = False
    wire: str = ""
    at_s: float = 0.0
    service: str = ""
    bears_twice: bool = False

    @property
    def key(self) -> str:
        """By which it is found again: ``worker: BRPOP q`` or ``worker: HSET a (2)``."""
        return f"{self.side}: {self.label}"

    @property
    def label(self) -> str:
        return self.trip + (f" ({self.nth})" if self.nth > 1 else "")


def boundaries(
    trips: Iterable[Trip], job: int, began_s: float, sent_s: float, until_s: float
) -> list[Boundary]:
    """Those of the job, in order of time; all times by the clock of the trips.

    The run began at ``began_s`` with idle workers, the job was sent at ``sent_s``, and by
    ``until_s`` all was over.
    """
    ordered = sorted((t for t in trips if t.name != BEAT), key=lambda trip: trip.asked_s)
    idle = idle_names(ordered, began_s, sent_s)
    seen = Counter[tuple[Side, str]]()
    found: list[Boundary] = []
    for trip in ordered:
        carries, idles = job in trip.asks or job in trip.brings, trip.name in idle
        brings = idles and job in trip.brings and trip.side == "worker"
        if trip.asked_s >= began_s:
            seen[trip.side, trip.name] += 1
        elif not brings:
            continue
        if not brings and not sent_s <= trip.asked_s < until_s:
            continue
        if trip.side == "worker" and idles and not carries:
            continue
        nth = 0 if brings else seen[trip.side, trip.name]
        at_s = (trip.answered_s if brings else trip.asked_s) - sent_s
        opens = OPENS.issuperset(trip.name.removeprefix(f"{trip.service}: ").split(" + "))
        found.append(
            Boundary(
                trip.side,
                trip.name,
                nth,
                carries,
                opens,
                trip.wire,
                round(at_s, 6),
                trip.service,
                trip.bears_twice,
            )
        )
    return sorted(found, key=lambda boundary: boundary.at_s)


def idle_names(trips: Sequence[Trip], began_s: float, sent_s: float) -> set[str]:
    """What workers say, or wait to hear, while nobody has sent a job."""
    return {
        trip.name
        for trip in trips
        if trip.side == "worker" and trip.asked_s < sent_s and not 0.0 <= trip.answered_s < began_s
    }
