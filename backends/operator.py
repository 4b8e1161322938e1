"""The operator: a generator without I/O that replays dead letters at their times.

It lists what lies there, picks, and replays; what it was not told of it asks again. A
replay may be repeated safely: a job that is back is no longer a dead letter.
"""

from __future__ import annotations

from collections.abc import Iterable

from .commands import DeadLetters, ListDead, Replay
from .producer import Client, WaitUntil
from .repeat import until_answered

AT_ONCE = 10


def operator(orders: Iterable[tuple[float, ListDead]]) -> Client:
    """Replay the dead letters that each order lists, at its time after the start."""
    for at_s, wanted in orders:
        yield WaitUntil(at_s)
        found = yield from until_answered(wanted)
        if not isinstance(found, DeadLetters):
            continue  # never answered: nothing was touched
        ids = [letter.job.id for letter in found.letters]
        for start in range(0, len(ids), AT_ONCE):
            yield from until_answered(Replay(tuple(ids[start : start + AT_ONCE])))
