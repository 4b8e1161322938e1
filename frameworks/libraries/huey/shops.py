"""The shop on Huey, and what keeps a death small: nothing keeps it from losing a task."""

from __future__ import annotations

from ...shop import Setting, Shop

SAFE = (
    Setting("-k", "process", "a process that dies takes along one task, not all of them", "worker"),
    Setting("-w", 2, "a task that hangs does not keep all others waiting", "worker"),
    Setting("retries", 3, "a task that failed is run again, so often", "job"),
    Setting("timeout", 60, "a task that hangs gives its process back", "job"),
)
SHOPS = (Shop("huey", "shop:huey", SAFE),)
