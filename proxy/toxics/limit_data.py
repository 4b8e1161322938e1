"""limit_data: the connection closes after so many bytes, in the middle of whatever it was."""

from __future__ import annotations

from dataclasses import dataclass

from .toxic import READ, Kind, Pipe, Stage


@dataclass(frozen=True)
class LimitData:
    """Closes each connection once ``bytes`` bytes (default 0) have passed in its direction.

    Exactly that many arrive. With 0 the first byte closes.

    Added: counts from now on. Changed: the count goes on; if it is past the new limit
    already, the next byte closes. Removed: data passes.
    """

    bytes: int = 0

    def pipe(self, stage: Stage) -> Pipe:
        while chunk := (yield READ):
            left = self.bytes - stage.passed
            if left > 0:
                stage.write(chunk.until(left))
            if stage.passed >= self.bytes:
                return


KIND = Kind(LimitData)
