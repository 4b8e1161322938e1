"""Plays a backtest on one side: the environment, the stage, and what came of it."""

from __future__ import annotations

from time import monotonic

from msgspec import Struct

from ..backends.system import Time
from ..effects.app import App
from ..environments.cache import environment
from ..harness.finding import Verdict
from .backtest import APPS, Backtest, Side, Told
from .stage import staged


class Played(Struct, frozen=True):
    """What came of a backtest on one side; times in seconds, by the stage's clock and by ours."""

    side: Side
    told: Told
    virtual_s: float
    real_s: float

    @property
    def as_expected(self) -> Verdict:
        """The verdict to count: a bug that was not seen where it must be proves nothing."""
        if self.side.expected == "violated":
            return "held" if self.told.verdict == "violated" else "inconclusive"
        return self.told.verdict


def play(
    backtest: Backtest, side: Side, python: str | None = None, time: Time | None = None
) -> Played:
    """Stage the bug on that side. ``python``: see :func:`..environments.cache.environment`.

    ``time``: see :func:`.stage.staged`. What it takes to make the environment is not counted.
    Raises EnvironmentFault.
    """
    app = App(APPS, environment(*side.pins, python=python))
    began = monotonic()
    with staged(app, backtest.broker, time) as stage:
        told = backtest.stage(stage, side.variant)
        return Played(side, told, stage.elapsed_s, monotonic() - began)
