"""The shop on Celery, and what its documentation recommends against loss."""

from __future__ import annotations

from ...shop import Setting, Shop

SAFE = (
    Setting("task_acks_late", True, "a task is acknowledged when it is over, not before it runs"),
    Setting(
        "task_reject_on_worker_lost",
        True,
        "a task whose process died is put back",
    ),
    Setting("worker_prefetch_multiplier", 1, "a worker that dies holds no tasks that only wait"),
    Setting(
        "broker_transport_options",
        {"visibility_timeout": 300},
        "what a dead worker held comes back after five minutes instead of an hour; it has to be "
        "longer than the longest task",
    ),
    Setting("task_time_limit", 120, "a task that hangs gives its process back"),
)
SHOPS = (Shop("celery", "shop:app", SAFE),)
