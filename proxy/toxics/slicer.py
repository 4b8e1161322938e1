"""slicer: data arrives in small pieces, to find readers that believe in whole messages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from .toxic import READ, Chunk, Kind, Pipe, Sleep, Stage


@dataclass(frozen=True)
class Slicer:
    """Cuts chunks by halves into pieces of about ``average_size`` bytes and spaces them out.

    ``average_size`` bytes (default 0: chunks stay whole), ``size_variation`` bytes
    (default 0), how far each cut may be off the middle, ``delay`` µs (default 0) after each
    piece. Shorter delays than the event loop can wait are kept on average.

    Added: slices what comes from now on. Changed or removed: the rest of the chunk in hand
    goes out in one piece.
    """

    average_size: int = 0
    size_variation: int = 0
    delay: int = 0

    def pipe(self, stage: Stage) -> Pipe:
        while chunk := (yield READ):
            sent, due_s = 0, stage.now()
            try:
                for end in self._cuts(len(chunk.data), stage.rng):
                    piece, sent = Chunk(chunk.data[sent:end], chunk.at_s), end
                    stage.write(piece)
                    due_s += self.delay / 1e6
                    yield Sleep(max(0.0, due_s - stage.now()))
            finally:
                if sent < len(chunk.data):
                    stage.write(chunk.since(sent))

    def _cuts(self, size: int, rng: Random) -> Iterator[int]:
        """Where each piece ends, from left to right."""
        variation = max(0, self.size_variation)
        whole = self.average_size + variation if self.average_size > 0 else size
        spans = [(0, size)]
        while spans:
            start, end = spans.pop()
            if end - start <= whole:
                yield end
                continue
            middle = start + (end - start) // 2
            if variation:
                middle += rng.randrange(-variation, variation)
                middle = min(max(middle, start + 1), end - 1)
            spans += [(middle, end), (start, middle)]


KIND = Kind(Slicer)
