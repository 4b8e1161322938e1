"""noop: everything passes. The simplest toxic, and the pattern for the next one."""

from __future__ import annotations

from dataclasses import dataclass

from .toxic import READ, Kind, Pipe, Stage


@dataclass(frozen=True)
class Noop:
    """No attributes. Adding, changing or removing it is not noticed by any connection."""

    def pipe(self, stage: Stage) -> Pipe:
        while chunk := (yield READ):
            stage.write(chunk)


KIND = Kind(Noop)
