"""A producer of the app: enqueues what a plan wants with the tiny framework's client."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from jobquake.protocol.submit import submit
from tiny_framework.client import Client

master = Client(sys.argv[1])


def enqueue(job: Mapping[str, Any]) -> None:
    master.ask("put", id=job["id"], queue=job["queue"], function="charge")


submit(enqueue)
