"""The idempotency key is recorded when the job is handed out, before its effect.

The worker dies between the two; the next delivery finds the key, believes that the work
is done, and skips it.

Bug class: key recorded before the effect. Found by: no_lost_work.
"""

from __future__ import annotations

from ..adapter import ReferenceAdapter
from ..core import CORRECT

TWIN = ReferenceAdapter(
    "twin-key-before-effect",
    "broken: the idempotency key is recorded before the effect",
    violates="no_lost_work",
    decisions=CORRECT._replace(key_recorded_at="leased"),  # the mistake
    bug_class="key recorded before the effect",
    contract_test="test_a_key_is_completed_by_the_ack_and_not_before",
)
