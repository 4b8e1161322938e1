"""One direction of one connection: from a source, through the stages, to a sink.

While no toxic acts, bytes go straight from the source to the sink. Memory stays bounded:
when a stage or the sink has enough, the source is not read any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from random import Random
from typing import Protocol

from .applied import Applied, Direction
from .stage import Output, Stage
from .toxics.toxic import Chunk

CHUNK = 32 * 1024


class Source(Protocol):
    def pause(self) -> None: ...

    def resume(self) -> None: ...


class Sink(Protocol):
    def write(self, data: bytes) -> None: ...

    def finish(self) -> None:
        """Everything has been written: close, both ways, once it has gone out."""


class Lane:
    """``seed`` names the connection: each stage draws its chance from it and its own name."""

    def __init__(
        self,
        direction: Direction,
        source: Source,
        sink: Sink,
        toxics: Iterable[Applied],
        seed: str,
    ) -> None:
        self.direction = direction
        self.received = 0
        self._source = source
        self._sink = sink
        self._seed = f"{seed}/{direction.value}"
        self._stages: list[Stage] = []
        self._blocks: set[object] = set()
        self._ended = False
        self._straight = True
        for applied in toxics:
            self.add(applied)

    # -- what comes in ----------------------------------------------------------------------

    def receive(self, data: bytes) -> None:
        self.received += len(data)
        if self._straight:
            self._sink.write(data)
            return
        first, now_s = self._first(), asyncio.get_running_loop().time()
        if len(data) <= CHUNK:
            first.feed(Chunk(data, now_s))
            return
        for start in range(0, len(data), CHUNK):
            first.feed(Chunk(data[start : start + CHUNK], now_s))

    def receive_end(self) -> None:
        """The source has ended; what is on its way still arrives, and the end behind it."""
        if not self._ended:
            self._ended = True
            self._first().end()

    # -- what goes out ----------------------------------------------------------------------

    def feed(self, chunk: Chunk) -> None:
        self._sink.write(chunk.data)

    def end(self) -> None:
        self._sink.finish()

    def discard(self) -> None:
        """The sink is gone: nothing can arrive any more."""
        for stage in self._stages:
            stage.discard()
        self.block(self)

    # -- toxics come and go -----------------------------------------------------------------

    def add(self, applied: Applied) -> None:
        """Put the toxic behind the others; the one before it lets go and rolls again."""
        rng = Random(f"{self._seed}/{applied.name}")
        stage = Stage(applied, rng, self, self._note)
        before = self._stages[-1] if self._stages else None
        if before:
            before.interrupt()
            if before.over:
                stage.discard()
            else:
                before.output = stage
        self._stages.append(stage)
        stage.run()
        if before:
            before.run()
        self._look()

    def change(self, applied: Applied) -> None:
        """Its settings are others now: it lets go and begins again."""
        stage = self._stages[self._index(applied)]
        stage.interrupt()
        stage.run()
        self._look()

    def remove(self, applied: Applied) -> None:
        """Take the toxic out; the one before it lets go and rolls again."""
        index = self._index(applied)
        stage = self._stages[index]
        before = self._stages[index - 1] if index else None
        stage.interrupt()
        if applied.kind.closes_when_removed:
            stage.close()
        if before:
            before.interrupt()
        stage.flush()
        del self._stages[index]
        self.unblock(stage)
        if before and not stage.over:
            before.output = stage.output
            before.run()
        self._look()

    # -- when to read -----------------------------------------------------------------------

    def block(self, why: object) -> None:
        """Stop reading the source until every ``why`` has been unblocked."""
        if not self._blocks:
            self._source.pause()
        self._blocks.add(why)

    def unblock(self, why: object) -> None:
        if why in self._blocks:
            self._blocks.discard(why)
            if not self._blocks:
                self._source.resume()

    def _note(self, stage: Stage) -> None:
        if stage.over:
            # Nothing passes here any more, so what comes before it is in vain.
            if stage in self._stages:
                for earlier in self._stages[: self._stages.index(stage)]:
                    earlier.discard()
            self.block(self)
        elif stage.full:
            self.block(stage)
        else:
            self.unblock(stage)

    def _look(self) -> None:
        self._straight = all(stage.idle for stage in self._stages)

    def _first(self) -> Output:
        return self._stages[0] if self._stages else self

    def _index(self, applied: Applied) -> int:
        return next(i for i, stage in enumerate(self._stages) if stage.applied is applied)
