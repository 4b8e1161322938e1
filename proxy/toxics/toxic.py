"""What a toxic is: settings, and a process through which the chunks of one direction pass.

A toxic is a frozen dataclass whose fields are its attributes, whole numbers with defaults,
and a generator method, ``pipe``. The generator yields what it waits for and is sent what
came of it; it writes what it lets through. It knows no socket, no loop and no clock but the
stage's, and it must not keep anything in the toxic itself, which all connections share.

    Input -> Stage(latency) -> Stage(slicer) -> Output

When a toxic is changed, removed, or another one is added behind it, every generator that
runs for it is closed: Python raises GeneratorExit at its ``yield``. A toxic that holds a
chunk across a ``yield`` therefore writes it in a ``finally``, so that no byte is lost; and
after a change a new generator begins with the chunk that follows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from dataclasses import Field, dataclass
from random import Random
from typing import Any, ClassVar, NamedTuple, Protocol


class Chunk(NamedTuple):
    """Some bytes, at most 32 KiB, and when they came (monotonic seconds)."""

    data: bytes
    at_s: float

    def until(self, end: int) -> Chunk:
        return Chunk(self.data[:end], self.at_s)

    def since(self, start: int) -> Chunk:
        return Chunk(self.data[start:], self.at_s)


class Read(NamedTuple):
    """Wait for the next chunk. None is sent at the end of the stream, or after ``within_s``."""

    within_s: float = math.inf


class Sleep(NamedTuple):
    """Wait ``s`` seconds; 0 is one turn of the event loop, less than 0 is no wait at all."""

    s: float


READ = Read()
FOREVER = Sleep(math.inf)

Pipe = Generator[Read | Sleep, Chunk | None, None]


class Stage(Protocol):
    """A toxic at work on one direction of one connection, as its ``pipe`` sees it."""

    @property
    def rng(self) -> Random:
        """Its own source of chance, drawn from the seed, the connection and the direction."""

    @property
    def passed(self) -> int:
        """How many bytes the toxic has let through since it was added, changes included."""

    def now(self) -> float:
        """Monotonic seconds."""

    def write(self, chunk: Chunk) -> None:
        """Let the chunk through."""

    def close(self) -> None:
        """End the stream here, as returning from ``pipe`` does."""


class Toxic(Protocol):
    """The settings; see the module."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    def pipe(self, stage: Stage) -> Pipe:
        """Handle the stream until it ends. Returning ends the stream: the connection closes."""


@dataclass(frozen=True)
class Kind:
    """A type of toxic, as the API names it.

    ``holds``: how many chunks may wait for it before the sender is slowed down.
    ``resets``: connections that are opened while it is there end in a RST.
    ``closes_when_removed``: removing it ends every live connection.
    """

    make: Callable[..., Toxic]
    holds: int = 1
    resets: bool = False
    closes_when_removed: bool = False
