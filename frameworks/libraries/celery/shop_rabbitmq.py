"""A shop on Celery and RabbitMQ, whose settings come from SHOP: nothing of jobquake is in it.

A queue's dead letters go to a queue that no worker reads. RabbitMQ drops them if nobody has
declared that, so it is declared with the queue whose letters it takes.
"""

from __future__ import annotations

import json
import os
from typing import Any

from celery import Celery
from kombu import Queue

app = Celery("shop", broker="amqp://guest:guest@localhost:5672//")


def queue(name: str, queue_arguments: dict[str, Any]) -> Queue:
    dead = queue_arguments.get("x-dead-letter-routing-key")

    def declare_dead(*_: object) -> None:
        with app.connection_for_write() as connection:
            Queue(dead, durable=True).declare(channel=connection.default_channel)

    return Queue(name, queue_arguments=queue_arguments, on_declared=declare_dead if dead else None)


settings = json.loads(os.environ.get("SHOP", "{}"))
if "task_queues" in settings:
    settings["task_queues"] = [queue(**given) for given in settings["task_queues"]]
app.conf.update(settings)
