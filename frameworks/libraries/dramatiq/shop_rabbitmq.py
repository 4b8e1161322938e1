"""A shop on Dramatiq and RabbitMQ, whose settings come from SHOP: nothing of jobquake is in it."""

from __future__ import annotations

import json
import os

import dramatiq
from dramatiq.brokers.rabbitmq import RabbitmqBroker

broker = RabbitmqBroker(host="localhost", port=5672, **json.loads(os.environ.get("SHOP", "{}")))
dramatiq.set_broker(broker)
