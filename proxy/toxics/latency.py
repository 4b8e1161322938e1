"""latency: every chunk arrives later. Chunks are delayed side by side, so nothing is slowed."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from .toxic import READ, Kind, Pipe, Sleep, Stage


@dataclass(frozen=True)
class Latency:
    """Delays each chunk from the moment it came; order is kept, and two of them add up.

    ``latency`` ms (default 0), ``jitter`` ms (default 0): the delay is drawn evenly from
    latency - jitter up to, not including, latency + jitter. Opening a connection and the end
    of an idle one are not delayed; the end behind delayed data waits for it.

    Added: delays what comes from now on. Changed: the chunk at the head goes out at once,
    those behind it get the new delay, counted from when they came. Removed: all that is held
    goes out at once.
    """

    latency: int = 0
    jitter: int = 0

    def pipe(self, stage: Stage) -> Pipe:
        while chunk := (yield READ):
            due_s = chunk.at_s + self._delay_s(stage.rng)
            try:
                yield Sleep(due_s - stage.now())
                chunk = chunk._replace(at_s=due_s)  # the next latency counts from here
            finally:
                stage.write(chunk)

    def _delay_s(self, rng: Random) -> float:
        drift = rng.randrange(-self.jitter, self.jitter) if self.jitter > 0 else 0
        return (self.latency + drift) / 1000


KIND = Kind(Latency, holds=1024)
