"""A protocol that nobody knows here: each chunk is a message, told by its place and its size.

Sizes are told by their order of magnitude, since they differ a little from run to run.
"""

from __future__ import annotations

from collections.abc import Sequence

from .wire import UNGUARDED, Guard


class Unknown:
    """See :class:`.wire.Wire`. It takes whatever no other one knows."""

    name = "unknown"
    rank = 99

    def speaks(self, first: bytes) -> bool:
        return True

    def talk(self) -> UnknownTalk:
        return UnknownTalk()


class UnknownTalk:
    """See :class:`.wire.Talk`."""

    def __init__(self) -> None:
        self._place = 0

    def requests(self, buffer: bytearray) -> list[bytes]:
        return self._whole(buffer)

    def replies(self, buffer: bytearray) -> list[bytes]:
        return self._whole(buffer)

    def guard(self, burst: Sequence[bytes]) -> Guard:
        return UNGUARDED

    def refused(self, reply: bytes) -> bool:
        return False

    def awaited(self, burst: Sequence[bytes]) -> int:
        return 1

    def name(self, burst: Sequence[bytes]) -> str:
        self._place += 1
        size = sum(map(len, burst))
        return f"message {self._place} of up to {1 << (size - 1).bit_length()} bytes"

    def _whole(self, buffer: bytearray) -> list[bytes]:
        found = [bytes(buffer)] if buffer else []
        buffer.clear()
        return found


WIRE = Unknown()
