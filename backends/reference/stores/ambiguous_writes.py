"""What became of a write whose answer was lost: found out, never guessed.

Each write carries an identity of its own. When the connection breaks before the answer,
the very same write is sent again: it is a compare-and-set, so it cannot take effect
twice. If it is refused then, the version and the identity that the server holds tell
whose write came first. Only where the trace is already overwritten does nobody know,
and then the caller is told exactly that.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from ....protocol.commands import Unanswered

ATTEMPTS = 3
PAUSE_S = 0.02

T = TypeVar("T")


class Held(NamedTuple):
    """What a server holds of a record: version (-1: no record) and the write that made it."""

    version: int
    write: str


NO_RECORD = Held(-1, "")


def persist(
    send: Callable[[], T],
    lost: tuple[type[Exception], ...],
    hang_up: Callable[[], None],
    server: str,
) -> tuple[T, bool]:
    """``send()`` until it is answered; the answer, and whether one was lost before it.

    ``lost`` are the errors that mean a lost connection; ``hang_up`` drops it, so that the
    next attempt dials anew. Raises Unanswered after ``ATTEMPTS`` attempts.
    """
    for attempt in range(ATTEMPTS):
        try:
            return send(), attempt > 0
        except lost as error:
            hang_up()
            last = error
        if attempt + 1 < ATTEMPTS:
            time.sleep(PAUSE_S * 2**attempt)
    raise Unanswered(
        f"expected an answer from {server}, found none in {ATTEMPTS} attempts ({last}); "
        "what was asked may or may not have taken effect"
    ) from last


def took_effect(version: int, write: str, held: Held, doubtful: bool) -> bool:
    """Whether the refused write ``write`` of ``version`` is the one that the server holds.

    ``doubtful`` says that an earlier sending of it went unanswered. Raises Unanswered if
    the record has moved on since, which hides who wrote that version.
    """
    if held.write == write:
        return True
    if not doubtful or held.version == version:
        return False
    raise Unanswered(
        f"expected version {version} of the record, found version {held.version}: the answer "
        "to this write was lost and others have written since; it may or may not have counted"
    )
