"""The course of a soak: how far it was at moments so spread that any length of it is a few hundred.

Pure. What a chart of hours needs and no more; the counters of the soak itself are exact.
"""

from __future__ import annotations

from msgspec import Struct

MOST = 200


class Moment(Struct, frozen=True, array_like=True):
    """The counters of a soak when so many seconds of running were spent."""

    spent_s: float
    rounds: int
    violated: int
    strikes: int
    behaviours: int


def with_moment(moments: tuple[Moment, ...], now: Moment) -> tuple[Moment, ...]:
    """These and the newest; what lies too close together is thinned out, the ends never are."""
    if len(moments) > 1 and moments[-1].spent_s - moments[-2].spent_s < now.spent_s / MOST:
        moments = moments[:-1]
    kept = (*moments, now)
    return kept if len(kept) <= MOST else (*kept[:-1:2], kept[-1])
