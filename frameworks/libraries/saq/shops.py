"""The shop on SAQ, and what has a sweep run again what a dead worker held."""

from __future__ import annotations

from ...shop import Setting, Shop

SAFE = (
    Setting("retries", 5, "a job has five attempts; with one, a sweep aborts it", "job"),
    Setting("timeout", 30, "it has to be above what a job takes: a sweep goes by it", "job"),
    Setting("timers", {"sweep": 10}, "a sweep comes every ten seconds, not once a minute"),
)
SHOPS = (Shop("saq", "shop:settings", SAFE),)
