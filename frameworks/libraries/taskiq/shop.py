"""Two shops on taskiq, a list and a stream, whose settings come from SHOP."""

from __future__ import annotations

import json
import os

from taskiq import SimpleRetryMiddleware
from taskiq_redis import ListQueueBroker, RedisAsyncResultBackend, RedisStreamBroker

URL = "redis://localhost:6379/0"
SETTINGS = json.loads(os.environ.get("SHOP", "{}"))
retries = SETTINGS.pop("default_retry_count", 0)
popped = ListQueueBroker(URL, queue_name="popped")
kept = RedisStreamBroker(URL, queue_name="kept", **SETTINGS)
for broker in (popped, kept):
    broker.with_result_backend(RedisAsyncResultBackend(URL))
    if retries:
        broker.with_middlewares(SimpleRetryMiddleware(default_retry_count=retries))
