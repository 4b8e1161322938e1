"""A payload is cut after 65,535 bytes: its column, or the length in front of it, ends there.

Nobody is told. The job is accepted, handed out and acknowledged; its worker had the first part
of an order, of a picture, of a JSON text. It shows with the first customer whose basket is full.

Bug class: payloads cut in silence. Found by: payloads_intact.
"""

from __future__ import annotations

from msgspec.structs import replace

from ....protocol.commands import Job
from .. import core
from ..adapter import ReferenceAdapter
from ..record import Record

COLUMN_BYTES = 65_535  # of a BLOB of MySQL, and what a length of 16 bits can say


def admit(job: Job, now: float) -> Record:
    return core.admit(replace(job, payload=job.payload[:COLUMN_BYTES]), now)  # the mistake


TWIN = ReferenceAdapter(
    "twin-payload-cut",
    "broken: a payload is cut after 65,535 bytes",
    violates="payloads_intact",
    decisions=core.CORRECT._replace(admit=admit),
    bug_class="payloads cut in silence",
    contract_test="test_a_payload_arrives_as_it_was_enqueued",
)
