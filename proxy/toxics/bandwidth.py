"""bandwidth: a slow line. Bytes pass at a limited rate, and the sender feels it."""

from __future__ import annotations

from dataclasses import dataclass

from .toxic import FOREVER, READ, Kind, Pipe, Sleep, Stage

SLICE_S = 0.1


@dataclass(frozen=True)
class Bandwidth:
    """Limits each connection, by itself, to ``rate`` KB/s, of 1000 bytes (default 0).

    A chunk waits for as long as its bytes take; a large one goes out in slices of 100 ms.
    Rate 0 or less stalls the line: nothing passes, nothing is lost, and it arrives once the
    toxic is removed.

    Added: limits what comes from now on. Changed: the chunk in hand goes out at once, the
    rest at the new rate. Removed: all that is held goes out at once.
    """

    rate: int = 0

    def pipe(self, stage: Stage) -> Pipe:
        owed_s = 0.0
        while chunk := (yield READ):
            try:
                if self.rate <= 0:
                    yield FOREVER
                    continue
                owed_s += len(chunk.data) / (self.rate * 1000)
                per_slice = self.rate * 100
                while len(chunk.data) > per_slice:
                    yield Sleep(SLICE_S)
                    stage.write(chunk.until(per_slice))
                    chunk = chunk.since(per_slice)
                    owed_s -= SLICE_S
                began_s = stage.now()
                yield Sleep(owed_s)
                owed_s -= stage.now() - began_s  # a timer is late: the next wait makes up for it
            finally:
                stage.write(chunk)


KIND = Kind(Bandwidth)
