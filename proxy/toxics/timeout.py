"""timeout: a black hole. Data is swallowed, and after some silence the connection closes."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .toxic import Kind, Pipe, Read, Stage


@dataclass(frozen=True)
class Timeout:
    """Swallows the data of its direction; closes after ``timeout`` ms of silence in it.

    Default 0: it never closes. Every chunk makes the wait begin anew.

    Added: swallows what comes from now on. Changed: the wait begins anew. Removed: every
    live connection closes, since bytes are missing from its stream.
    """

    timeout: int = 0

    def pipe(self, stage: Stage) -> Pipe:
        silence_s = self.timeout / 1000 if self.timeout > 0 else math.inf
        while (yield Read(silence_s)):
            pass


KIND = Kind(Timeout, closes_when_removed=True)
