"""What a protocol is to whoever watches its connections; see the files beside this one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

UNASKED = -1  # from now on the server says what it likes: nothing can be counted any more
ID = "ID"
# What is another one in each run: identifiers, process numbers, hosts with their ports.
_MADE_UP = re.compile(
    r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
    r"|(?<![A-Za-z])[0-9a-fA-F]{12,}(?![A-Za-z])"
    r"|(?<=job-)\d+"
    r"|(?<![A-Za-z])\d+(?:\.\d+)?(?![A-Za-z])"
)
LONGEST = 60


class Talk(Protocol):
    """One connection, in the order in which its bytes pass."""

    def requests(self, buffer: bytearray) -> list[bytes]:
        """Take whole requests off the front of what the client has sent."""

    def replies(self, buffer: bytearray) -> list[bytes]:
        """Take whole answers off the front of what the server has sent."""

    def name(self, burst: Sequence[bytes]) -> str:
        """What these requests, which were sent at once, are called."""

    def guard(self, burst: Sequence[bytes]) -> str:
        """By what whoever is asked can tell that this was asked before; "": by nothing."""

    def refused(self, reply: bytes) -> bool:
        """Whether the answer says that nothing was done."""

    def awaited(self, burst: Sequence[bytes]) -> int:
        """How many answers they bring; ``UNASKED``: nobody can say, now and ever after."""


@runtime_checkable
class Pushing(Protocol):
    """What a talk has, too, if its server also says what nobody has asked for."""

    def pushed(self, reply: bytes) -> str:
        """What that is called; "": it answers what was asked. Called once for each, in order."""


@runtime_checkable
class Repeatable(Protocol):
    """What a talk has, too, if a request may be put on its connection a second time."""

    def bears_twice(self, burst: Sequence[bytes]) -> bool:
        """Whether these may arrive twice, the second time behind the first, unseen by the client.

        Then they bring as many answers again.
        """


class Wire(Protocol):
    """One protocol. ``rank`` orders those that are asked whether they know it."""

    @property
    def name(self) -> str: ...
    @property
    def rank(self) -> int: ...

    def speaks(self, first: bytes) -> bool:
        """Whether a client of this protocol begins like that."""

    def talk(self) -> Talk:
        """A reader for a new connection."""


def steady(text: str) -> str:
    """The text, without what is another one in each run, up to what cannot be printed."""
    length = next((n for n, letter in enumerate(text) if not letter.isprintable()), len(text))
    named = _MADE_UP.sub(ID, text[:length]).replace(f"job-{ID}", ID)
    return named if len(named) <= LONGEST else f"{named[: LONGEST - 3]}..."
