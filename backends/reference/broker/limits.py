"""What one client, and all of them together, may ask of a broker. What is beyond is refused.

A refusal is one sentence that names the limit, and the client goes on; only what no answer can
mend (too many connections, half a frame that never ends) costs a client its connection. These
numbers stand in ``jobquake broker --help``, too.
"""

from __future__ import annotations

from typing import NamedTuple

KIB, MIB = 1024, 1024 * 1024


class Limits(NamedTuple):
    """Counts, bytes and seconds. ``..._a_turn`` is what a client gets before others have theirs."""

    connections: int = 1000
    waiting_leases: int = 5000
    waiting_leases_a_client: int = 256
    queues_a_lease: int = 100
    names_waited_for: int = 1000
    names_waited_for_a_client: int = 100
    replayed_at_once: int = 1000
    unfinished_bytes: int = 128 * MIB
    unfinished_bytes_free: int = 64 * KIB
    unfinished_s: float = 30.0
    idle_s: float = 3600.0
    commands_a_turn: int = 32
    bytes_a_turn: int = 8 * MIB
    pending_commands: int = 256
    pending_bytes: int = 1 * MIB
    page_bytes: int = 1 * MIB

    def sentence(self) -> str:
        """The limits that a client can meet, for those who read help."""
        return (
            f"Limits: {self.connections} connections; {self.waiting_leases} leases that wait, "
            f"{self.waiting_leases_a_client} of one client; {self.queues_a_lease} queues in a "
            f"lease; {self.names_waited_for} queues waited for, {self.names_waited_for_a_client} "
            f"by one client; {self.replayed_at_once} jobs in a replay; "
            f"{self.unfinished_bytes // MIB} MiB of unfinished messages; a message must be "
            f"complete {self.unfinished_s:g} s after its last byte came; a client that says "
            f"nothing and waits for nothing is cut off after {self.idle_s:g} s."
        )
