"""reset_peer: the connection dies of a RST, as when a peer crashes or a middlebox gives up."""

from __future__ import annotations

from dataclasses import dataclass

from .toxic import READ, Kind, Pipe, Sleep, Stage


@dataclass(frozen=True)
class ResetPeer:
    """Resets the connection ``timeout`` ms (default 0) after the first data in its direction.

    The data that sets it off is swallowed; so does the end of the stream set it off.

    Added: connections that are opened from now on end in a RST, however they end and
    whatever the toxicity; those that are open already are closed in the ordinary way.
    Changed or removed while it waits: the connection ends at once, since bytes are missing
    from its stream. Connections that it never met in data still end in a RST.
    """

    timeout: int = 0

    def pipe(self, stage: Stage) -> Pipe:
        yield READ
        try:
            yield Sleep(self.timeout / 1000)
        finally:
            stage.close()


KIND = Kind(ResetPeer, resets=True)
