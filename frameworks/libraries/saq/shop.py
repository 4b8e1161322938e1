"""A shop on SAQ, whose settings come from SHOP: nothing of jobquake is in it."""

from __future__ import annotations

import json
import os
from typing import Any

from saq import Queue


async def charge(ctx: dict[str, Any], *, order: int) -> int:
    return order


settings = {
    "queue": Queue.from_url("redis://localhost:6379/0", name="shop"),
    "functions": [charge],
    **json.loads(os.environ.get("SHOP", "{}")),
}
