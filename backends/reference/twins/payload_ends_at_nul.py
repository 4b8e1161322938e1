"""A payload is taken for a string, and a string ends at its first NUL.

Text never has one, so every test passes that was ever written. A picture, a compressed or an
encrypted payload has one in the first few hundred bytes. Here the retry is what goes through the
string: the first delivery gets it all.

Bug class: payloads taken for text. Found by: payloads_intact.
"""

from __future__ import annotations

from random import Random

from msgspec.structs import replace

from .. import core
from ..adapter import ReferenceAdapter
from ..core import Ruling
from ..record import Record


def nack(
    record: Record, token: int, error: str, permanent: bool, now: float, rng: Random
) -> Ruling:
    ruling = core.nack(record, token, error, permanent, now, rng)
    if ruling.successor is None:
        return ruling
    text = record.job.payload.split(b"\0")[0]  # the mistake
    job = replace(record.job, payload=text)
    return ruling._replace(successor=replace(ruling.successor, job=job))


TWIN = ReferenceAdapter(
    "twin-payload-ends-at-nul",
    "broken: the payload of a job that is retried ends at its first NUL",
    violates="payloads_intact",
    decisions=core.CORRECT._replace(nack=nack),
    bug_class="payloads taken for text",
    contract_test="test_a_payload_arrives_as_it_was_enqueued",
)
