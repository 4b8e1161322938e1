"""Safe repetition of a call whose answer did not come, as a generator without I/O.

Every command of the queue may be repeated: an enqueue by its job id, an ack, nack or
release by its token; a lease whose answer was lost hands out another job and the lost
one returns when its lease expires. So an ambiguous call is simply asked again, a bounded
number of times. One that was answered with an error is as ambiguous, and asked again, too.
The worker, the producer and the TCP client all follow this one text.
"""

from __future__ import annotations

from collections.abc import Generator

from msgspec import Struct

from .commands import Command, Failed, Reply


class Attempt(Struct, frozen=True):
    """Want: send this command once, and answer None if nothing came in time."""

    command: Command


class Sleep(Struct, frozen=True):
    """Want: do nothing for that many seconds."""

    seconds: float


class RepeatPolicy(Struct, frozen=True):
    """At most ``attempts`` tries; the pause doubles from ``pause_s`` to ``cap_s`` seconds."""

    attempts: int = 6
    pause_s: float = 0.05
    cap_s: float = 1.0


DEFAULT = RepeatPolicy()


def until_answered(
    command: Command, policy: RepeatPolicy = DEFAULT
) -> Generator[Attempt | Sleep, Reply | None, Reply | None]:
    """Yield attempts and pauses; return the reply, or what the last attempt came to."""
    attempt = Attempt(command)
    reply = yield attempt
    pause_s = policy.pause_s
    for _ in range(policy.attempts - 1):
        if reply is not None and not isinstance(reply, Failed):
            break
        yield Sleep(pause_s)
        pause_s = min(policy.cap_s, pause_s * 2)
        reply = yield attempt
    return reply
