"""The operator: a generator without I/O that replays dead letters at their times.

It also says what makes no sense, where it is told to: once, whatever comes of it.

It lists what lies there, picks, and replays; what it was not told of it asks again. A
replay may be repeated safely, since it names the death that it undoes: a job that is back, or
died again, is left alone.
"""

from __future__ import annotations

from collections.abc import Iterable

from .commands import DeadLetter, DeadLetters, ListDead, Replay
from .producer import Client, Stray, WaitUntil
from .repeat import until_answered

AT_ONCE = 10


def operator(orders: Iterable[tuple[float, ListDead | Stray]]) -> Client:
    """Replay the dead letters that each order lists, at its time after the start."""
    for at_s, wanted in orders:
        yield WaitUntil(at_s)
        if isinstance(wanted, Stray):
            yield wanted
            continue
        found = yield from until_answered(wanted)
        if not isinstance(found, DeadLetters):
            continue  # never answered: nothing was touched
        for start in range(0, len(found.letters), AT_ONCE):
            letters = found.letters[start : start + AT_ONCE]
            ids = tuple(letter.job.id for letter in letters)
            yield from until_answered(Replay(ids, tuple(map(_died_of, letters))))


def _died_of(letter: DeadLetter) -> int:
    """The token of the delivery that it died of, 0 if that is not told."""
    return letter.attempts[-1].number if letter.attempts else 0
