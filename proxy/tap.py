"""The seam for everything that wants to see or to hold what passes on a connection.

A proxy may have a tap factory; it is asked once per connection. The tap is given every
chunk as it was read, before the toxics, and passes on what it likes, now or later. It must
not block: it runs on the event loop.
"""

from __future__ import annotations

from typing import Protocol

from .applied import Direction


class Tapped(Protocol):
    """A connection, as its tap sees it. Calls on one that is gone do nothing."""

    @property
    def number(self) -> int:
        """Counted from 1 over the proxy's connections, in the order they were accepted."""

    def forward(self, direction: Direction, data: bytes) -> None:
        """Pass bytes on, to the toxics and then to the other end."""

    def end(self, direction: Direction) -> None:
        """Pass on that this direction has ended; the whole connection closes behind it."""

    def pause(self, direction: Direction) -> None:
        """Read nothing more in this direction, so that what is held back stays bounded."""

    def resume(self, direction: Direction) -> None:
        """Read again."""

    def reset(self) -> None:
        """End both sides at once, with a RST."""

    def close(self) -> None:
        """End both sides at once, in the ordinary way."""


class Tap(Protocol):
    """What a tap factory returns; told of everything that happens on its connection."""

    def opened(self) -> None:
        """Both sides are connected. Not told to a tap that came later."""

    def received(self, direction: Direction, data: bytes) -> None:
        """Bytes have come; to let them through, ``link.forward`` them."""

    def ended(self, direction: Direction) -> None:
        """The side that this direction comes from is done; to pass it on, ``link.end``."""

    def closed(self) -> None:
        """Both sides are gone."""
