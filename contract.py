"""``from jobquake.contract import QueueContract``: the suite for authors of adapters.

``broken`` wraps any adapter in one of ``MISTAKES``, to show that the suite can fail.
"""

from __future__ import annotations

from .harness.contract import QueueContract
from .harness.contract.broken_adapter import broken
from .harness.contract.mutants import MISTAKES

__all__ = ["MISTAKES", "QueueContract", "broken"]
