"""Jobs have idempotency keys, and the queue records none of them.

The name of the field promises what nothing keeps: the same work, submitted again under another
id, is done again.

Bug class: idempotency key that nobody reads. Found by: no_duplicated_effects.
"""

from __future__ import annotations

from ..adapter import ReferenceAdapter
from ..core import CORRECT

TWIN = ReferenceAdapter(
    "twin-key-not-recorded",
    "broken: the idempotency key is not recorded at all",
    violates="no_duplicated_effects",
    decisions=CORRECT._replace(key_recorded_at=None),  # the mistake
    bug_class="idempotency key that nobody reads",
    contract_test="test_work_whose_key_is_completed_is_not_done_again",
)
