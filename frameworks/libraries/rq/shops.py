"""The shop on RQ, and what its documentation recommends against loss."""

from __future__ import annotations

from ...shop import Setting, Shop

SAFE = (
    Setting(
        "retry", 3, "a job that failed, or whose worker died, is enqueued again, so often", "job"
    ),
    Setting("job_timeout", 60, "a job that hangs is killed after a minute, not after three", "job"),
    Setting("--maintenance-interval", 30, "abandoned jobs are looked for twice a minute", "worker"),
    Setting("--worker-ttl", 60, "an idle worker wakes within a minute, to look for them", "worker"),
    Setting("--job-monitoring-interval", 10, "heartbeats are short: silence tells soon", "worker"),
)
SHOPS = (Shop("rq", "shop:queue", SAFE),)
