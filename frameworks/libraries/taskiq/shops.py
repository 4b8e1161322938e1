"""The shops on taskiq, and what it recommends against loss: above all, a stream."""

from __future__ import annotations

from ...shop import Setting, Shop

RETRIES = (
    Setting("default_retry_count", 3, "SimpleRetryMiddleware runs again what failed, so often"),
    Setting("retry_on_error", True, "it does so for tasks that have this label", "job"),
    Setting("timeout", 60, "a task that hangs is cancelled", "job"),
)
STREAM = (
    Setting(
        "idle_timeout",
        120_000,
        "what is pending for two minutes is claimed, not for ten; it has to be longer than the "
        "longest task",
    ),
    Setting(
        "unacknowledged_lock_timeout",
        10,
        "who dies while it claims does not keep the lock for ever",
    ),
)
SHOPS = (
    Shop("taskiq-list", "shop:popped", RETRIES),
    Shop("taskiq-stream", "shop:kept", (*STREAM, *RETRIES)),
)
