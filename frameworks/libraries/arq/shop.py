"""A shop on ARQ, whose settings come from SHOP: nothing of jobquake is in it."""

from __future__ import annotations

import json
import os
from typing import Any

from arq.connections import RedisSettings


async def charge(ctx: dict[str, Any], order: int) -> int:
    return order


class WorkerSettings:
    functions = (charge,)
    redis_settings = RedisSettings("localhost", 6379)


for name, value in json.loads(os.environ.get("SHOP", "{}")).items():
    setattr(WorkerSettings, name, value)
