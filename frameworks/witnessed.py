"""Who knows what the jobs of an app did, of a library or described: the same for both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..backends.framework import Tally
from ..effects.app import AppProcess
from ..effects.source import NotCounted, Source, parse
from .tally import tally, where

if TYPE_CHECKING:
    from ..proxy.loop_thread import LoopClock
    from .app import App


class WitnessedApp:
    """See :class:`..backends.framework.Witnessed`."""

    app: App

    @property
    def own_task(self) -> bool:
        """Whether its jobs do what a plan says, and tell of each effect themselves."""
        raise NotImplementedError

    @property
    def source(self) -> Source:
        """Who knows what its jobs did. Raises :class:`UsageError`."""
        return parse(self.app.effects)

    @property
    def counted(self) -> str:
        return "" if self.own_task else self.source.counted

    @property
    def tells_effects(self) -> bool:
        """Whether anybody knows of them."""
        return self.own_task or not isinstance(self.source, NotCounted)

    def asked(self) -> AppProcess:
        return AppProcess(where(self.app))

    def tally(
        self,
        folder: Path,
        jobs: Sequence[str],
        clock: Callable[[], float],
        loop_clock: LoopClock | None,
    ) -> Tally | None:
        if isinstance(self.source, NotCounted):
            return None
        return tally(self.app, self.source, jobs, folder, clock, loop_clock)
