"""A replayed dead letter is a new job: its fencing tokens begin with 1 again.

A worker that was given up on long ago, with its job, wakes up and acks: its token is that of the
new holder, and the work that has only begun is done.

Bug class: fencing token used twice. Found by: tokens_grow.
"""

from __future__ import annotations

from msgspec.structs import replace

from .. import core
from ..adapter import ReferenceAdapter
from ..core import Ruling
from ..record import Record


def replay(record: Record, now: float) -> Ruling:
    ruling = core.replay(record, now)
    if ruling.successor is None:
        return ruling
    anew = replace(ruling.successor, token=0, settled_token=0, forgiven=0)  # the mistake
    return ruling._replace(successor=anew)


TWIN = ReferenceAdapter(
    "twin-token-restarts",
    "broken: after a replay the fencing tokens of a job begin with 1 again",
    violates="tokens_grow",
    decisions=core.CORRECT._replace(replay=replay),
    bug_class="fencing token used twice",
    contract_test="test_tokens_only_grow",
)
