"""slow_close: the end of a connection is noticed late."""

from __future__ import annotations

from dataclasses import dataclass

from .toxic import READ, Kind, Pipe, Sleep, Stage


@dataclass(frozen=True)
class SlowClose:
    """Holds back the end of its direction for ``delay`` ms (default 0); data passes.

    Added: holds ends that come from now on. Changed: a wait that has begun begins anew.
    Removed: a connection that waits closes at once.
    """

    delay: int = 0

    def pipe(self, stage: Stage) -> Pipe:
        while chunk := (yield READ):
            stage.write(chunk)
        yield Sleep(self.delay / 1000)


KIND = Kind(SlowClose)
