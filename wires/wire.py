"""What a protocol is to whoever watches its connections; see the files beside this one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple, Protocol, runtime_checkable

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


class Guard(NamedTuple):
    """Of a request that writes: ``why`` it may be carried out again; "": nothing in it tells that.

    ``key`` is what has to be the same each time for that, and ``lacks`` what it wants for, or what
    is said of it where the keys differ. ``reads``: it writes nothing.
    """

    why: str = ""
    key: str = ""
    lacks: str = "nothing in it tells that it comes again"
    reads: bool = False


READS = Guard(lacks="", reads=True)
UNGUARDED = Guard()


def together(guards: Sequence[Guard]) -> Guard:
    """Of requests that were sent at once: what one of those that write lacks, they all lack."""
    writing = [guard for guard in guards if not guard.reads]
    if not writing:
        return READS
    if lacking := [guard for guard in writing if not guard.why]:
        return lacking[0]
    return writing[0]._replace(key=" ".join(guard.key for guard in writing))


class Talk(Protocol):
    """One connection, in the order in which its bytes pass."""

    def requests(self, buffer: bytearray) -> list[bytes]:
        """Take whole requests off the front of what the client has sent."""

    def replies(self, buffer: bytearray) -> list[bytes]:
        """Take whole answers off the front of what the server has sent."""

    def name(self, burst: Sequence[bytes]) -> str:
        """What these requests, which were sent at once, are called."""

    def guard(self, burst: Sequence[bytes]) -> Guard:
        """By what whoever is asked can tell that this was asked before, if by anything."""

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


@runtime_checkable
class Counting(Protocol):
    """What a talk has, too, if its server tells that it changed nothing, without refusing."""

    def changed(self, reply: bytes) -> bool:
        """Whether anything is another one than before."""


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
