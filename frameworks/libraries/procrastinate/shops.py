"""The shop on Procrastinate, and the periodic task that its documentation recommends."""

from __future__ import annotations

from ...shop import Setting, Shop

SAFE = (
    Setting(
        "retry_stalled_jobs",
        "* * * * *",
        "the periodic task of the documentation, each minute: without it nothing takes up what a "
        "dead worker was doing",
    ),
    Setting("concurrency", 2, "a job that hangs does not keep that task from running"),
)
SHOPS = (Shop("procrastinate", "shop:app", SAFE),)
