"""A shop on Dramatiq, whose settings come from SHOP: nothing of jobquake is in it."""

from __future__ import annotations

import json
import os

import dramatiq
from dramatiq.brokers.redis import RedisBroker

broker = RedisBroker(host="localhost", port=6379, **json.loads(os.environ.get("SHOP", "{}")))
dramatiq.set_broker(broker)
