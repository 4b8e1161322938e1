"""An ack is compared with the token of the newest delivery, and not with the time.

A worker is paused past its lease. Nobody has been given the job meanwhile, so its token is still
the newest one, and its ack is accepted. It is a race: had somebody asked a moment before, the same
ack would have been refused, and the job done twice.

Bug class: lease that ends only when somebody else has the job. Found by: leases_exclusive.
"""

from __future__ import annotations

from msgspec.structs import replace

from .. import core
from ..adapter import ReferenceAdapter
from ..core import Ruling
from ..record import Record


def ack(record: Record, token: int, now: float) -> Ruling:
    ruling = core.ack(record, token, now)
    if ruling.accepted or token != record.token or record.state not in ("leased", "ready"):
        return ruling
    done = replace(
        record, version=record.version + 1, state="done", settled_token=token, ended_at=now
    )
    return Ruling(done, True)  # the mistake


TWIN = ReferenceAdapter(
    "twin-late-ack-taken",
    "broken: an ack after the end of its lease is accepted while nobody else has the job",
    violates="leases_exclusive",
    decisions=core.CORRECT._replace(ack=ack),
    bug_class="lease that ends only when somebody else has the job",
    contract_test="test_the_word_of_a_zombie_is_refused",
)
