"""Settings of somebody's ARQ worker: nothing of jobquake is in it. More come from SETTINGS."""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any

from arq.connections import RedisSettings  # type: ignore[import-not-found]


async def charge(ctx: dict[str, Any], order: int) -> int:
    await asyncio.sleep(0.05)
    return order


async def refuse(ctx: dict[str, Any], order: int) -> None:
    raise ValueError(f"order {order} has no address")


class WorkerSettings:
    functions = (charge, refuse)
    redis_settings = RedisSettings("localhost", 6379)


for name, value in json.loads(os.environ.get("SETTINGS", "{}")).items():
    setattr(WorkerSettings, name, value)
