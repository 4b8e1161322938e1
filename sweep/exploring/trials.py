"""Does a smaller plan break as well as the larger one? Real processes answer by repeated trials.

Pure: how many runs that takes, and what they say.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import comb
from typing import NamedTuple

MOST = 12  # runs of one smaller plan
SEEN = 0.9  # so surely a plan that breaks as often as the larger one is taken for it
FOOLED = 0.2  # and so seldom one that breaks a quarter as often
SELDOM = 0.25


class Trials(NamedTuple):
    """A plan breaks as well if ``needed`` of ``most`` runs break."""

    most: int
    needed: int

    def answer(self, broke: int, held: int) -> bool | None:
        """What so many runs say; None: not decided yet."""
        if broke >= self.needed:
            return True
        return False if held > self.most - self.needed else None

    @property
    def words(self) -> str:
        return f"{self.needed} of {self.most} runs"


def trials_for(broke: int, runs: int) -> Trials:
    """How to ask it of a plan that broke in ``broke`` of ``runs`` runs, 1 at the least.

    The rate is taken for a bit nearer to one half than it was, since it rests on few runs.
    """
    rate = (broke + 1) / (runs + 2)
    fitting = (
        trials
        for trials in _all()
        if _at_least(trials, rate) >= SEEN and _at_least(trials, rate * SELDOM) <= FOOLED
    )
    return next(fitting, Trials(MOST, 1))


def _all() -> Iterator[Trials]:
    return (Trials(most, needed) for most in range(1, MOST + 1) for needed in range(1, most + 1))


def _at_least(trials: Trials, rate: float) -> float:
    """How likely it is that so many runs break, if each does so at that rate."""
    return sum(
        comb(trials.most, n) * rate**n * (1 - rate) ** (trials.most - n)
        for n in range(trials.needed, trials.most + 1)
    )
