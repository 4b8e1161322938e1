"""An adapter's framing as the network uses it: somebody else's code on the proxy's event loop.

What it raises there would be lost, so it is kept for whoever waits for the run to end; until
then its messages pass as if they were nobody's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeVar

from ...backends.system import Framing, Passing, SplitsReplies, Stateful, Taking, Telling

T = TypeVar("T")
Described = tuple[int, str, str]
NOTHING: Described = (0, "", "")


class Watched:
    """The framing of an adapter. The proxy's loop calls it; what it raises must end the run."""

    def __init__(self, framing: Framing) -> None:
        self._framing = framing
        self.numbered = framing.numbered
        self.shows_replies = framing.numbered or isinstance(framing, Stateful)
        self.raised: Exception | None = None

    def split(self, buffer: bytearray) -> list[bytes]:
        return self._guarded(lambda: list(self._framing.split(buffer)), [])

    def split_replies(self, buffer: bytearray) -> list[bytes]:
        framing = self._framing
        if not isinstance(framing, SplitsReplies):
            return self.split(buffer)
        return self._guarded(lambda: list(framing.split_replies(buffer)), [])

    def session(self) -> WatchedSession:
        """What knows the messages of one connection: the framing's own, or one without memory."""
        framing = self._framing
        if not isinstance(framing, Stateful):
            return WatchedSession(framing.describe, framing.describe, self._guarded)
        if (session := self._guarded(framing.session, None)) is None:
            return WatchedSession(_nothing, _nothing, self._guarded)
        telling = session if isinstance(session, Telling) else None
        taking = session if isinstance(session, Taking) else None
        return WatchedSession(session.request, session.reply, self._guarded, telling, taking)

    def _guarded(self, call: Callable[[], T], otherwise: T) -> T:
        try:
            return call()
        except Exception as error:  # noqa: BLE001 (of somebody else's code)
            self.raised = self.raised or error
            return otherwise


def _nothing(message: bytes) -> Described:
    return NOTHING


class WatchedSession(NamedTuple):
    """A session whose mistakes are kept for whoever waits for the run to end."""

    of_request: Callable[[bytes], Described]
    of_reply: Callable[[bytes], Described]
    guarded: Callable[[Callable[[], Described], Described], Described]
    telling: Telling | None = None
    taking: Taking | None = None

    @property
    def passing(self) -> Passing | None:
        """What the last message did to a job, if somebody can tell."""
        return self.telling.passing if self.telling else None

    @property
    def asks(self) -> bool:
        return self.taking is not None and self.taking.asks

    @property
    def answers(self) -> bool:
        return self.taking is not None and self.taking.answers

    def request(self, message: bytes) -> Described:
        return self.guarded(lambda: _whole(self.of_request(message)), NOTHING)

    def reply(self, message: bytes) -> Described:
        return self.guarded(lambda: _whole(self.of_reply(message)), NOTHING)


def _whole(described: Described) -> Described:
    """What was described, or the error that it is not three things."""
    trip, call, identifier = described
    return trip, call, identifier
