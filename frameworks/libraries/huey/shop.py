"""A shop on Huey: nothing of jobquake is in it."""

from __future__ import annotations

from huey import RedisHuey

huey = RedisHuey("shop", host="localhost", port=6379)
