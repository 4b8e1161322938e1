"""The shop on ARQ, and what brings back soon what a dead worker held."""

from __future__ import annotations

from ...shop import Setting, Shop

SAFE = (
    Setting(
        "job_timeout",
        60,
        "a job counts as in progress for the timeout and ten seconds: 70 s instead of 310; and "
        "one that hangs is cancelled",
    ),
    Setting("max_tries", 20, "deaths of a worker are tries of every job that it ran"),
)
SHOPS = (Shop("arq", "shop:WorkerSettings", SAFE),)
