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
ON_RABBITMQ = (
    *(one for one in SAFE if one.name != "broker_transport_options"),
    Setting(
        "task_queues",
        [
            {
                "name": "celery",
                "queue_arguments": {
                    "x-queue-type": "quorum",
                    "x-delivery-limit": 5,
                    "x-dead-letter-exchange": "",
                    "x-dead-letter-routing-key": "celery.dead",
                },
            }
        ],
        "a task that ends its process again and again becomes a dead letter, which is kept",
    ),
    Setting(
        "broker_transport_options",
        {"confirm_publish": True},
        "an enqueue returns when RabbitMQ has the task, not before",
    ),
)
SHOPS = (
    Shop("celery", "shop:app", SAFE),
    Shop("celery-rabbitmq", "shop_rabbitmq:app", ON_RABBITMQ),
)
