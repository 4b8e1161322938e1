"""The contract suite: what every queue must do that claims to, as tests for its author.

    from jobquake.contract import QueueContract

    class TestMyQueue(QueueContract):
        backend = MyQueue()

``broken`` wraps any adapter in a mistake, to show that the suite can fail.
"""

from __future__ import annotations

from .suite import QueueContract

__all__ = ["QueueContract"]
