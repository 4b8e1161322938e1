"""``from jobquake.contract import QueueContract``: the suite for authors of adapters."""

from __future__ import annotations

from .harness.contract import QueueContract

__all__ = ["QueueContract"]
