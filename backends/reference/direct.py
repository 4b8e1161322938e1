"""The reference queue without a broker: every process works on the shared store itself.

There is no room where a lease can wait, so the client waits: until the store announces a
change, until the next delayed job is due or the next lease expires, or until its time is
up, whichever comes first. It does not poll.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from msgspec.structs import replace

from ...protocol.commands import (
    Command,
    Failed,
    Lease,
    Leased,
    Measured,
    Refused,
    Reply,
    Unanswered,
)
from .queue import ReferenceQueue
from .stores.store import RecordRefused, ServerError, SharedStore, StoreError

NEVER = float("inf")


class DirectConnection:
    """A queue on a shared store, opened when first needed: the server may be away then."""

    def __init__(self, open_queue: Callable[[], tuple[ReferenceQueue, SharedStore]]) -> None:
        self._open_queue = open_queue
        self._opened: tuple[ReferenceQueue, SharedStore] | None = None

    def attempt(self, command: Command) -> Reply | None:
        """Carry out the command; None if the server left it open whether it took effect."""
        try:
            queue, store = self._opened = self._opened or self._open_queue()
            queue.keep_house()
            reply = queue.call(command)
            if isinstance(command, Lease) and command.wait_s > 0 and reply == Leased(None):
                return _wait(queue, store, command)
            return of_all(reply)
        except Unanswered:
            return None
        except RecordRefused as error:
            return Refused(str(error))
        except ServerError as error:
            return error.failed
        except StoreError as error:
            return Failed(str(error), environment=True)

    def close(self) -> None:
        if self._opened:
            self._opened[1].close()
        self._opened = None


def of_all(reply: Reply) -> Reply:
    """Measured without what this process alone has counted: others share the store."""
    return replace(reply, counts=None, usage=None) if isinstance(reply, Measured) else reply


def _wait(queue: ReferenceQueue, store: SharedStore, command: Lease) -> Reply:
    """Lease again at each moment when something may have become ready."""
    until = time.monotonic() + command.wait_s
    with store.bell(command.queues) as bell:
        while True:
            reply = queue.call(command)
            left_s = until - time.monotonic()
            if reply != Leased(None) or left_s <= 0:
                return reply
            change_at = queue.store.next_change_at(command.queues)
            look_at = NEVER if change_at is None else change_at
            while (sleep_s := min(look_at - queue.now(), until - time.monotonic())) > 0:
                announced = bell.wait(sleep_s)
                if announced is not None:
                    look_at = min(look_at, announced)
