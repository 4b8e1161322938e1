"""Settings of somebody's SAQ worker: nothing of jobquake is in it. More come from SETTINGS."""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any

from saq import Queue  # type: ignore[import-not-found]


async def charge(ctx: dict[str, Any], *, order: int) -> int:
    await asyncio.sleep(0.05)
    return order


def refuse(ctx: dict[str, Any], *, order: int) -> None:
    raise ValueError(f"order {order} has no address")


settings = {
    "queue": Queue.from_url("redis://localhost:6379/0", name="payments"),
    "functions": [charge, refuse],
    **json.loads(os.environ.get("SETTINGS", "{}")),
}
