"""Hypothesis strategies for anybody's ``@given`` test: faults, workloads and whole plans.

    from jobquake import assert_holds, strategies

    @given(strategies.plans(faults=strategies.kills() | strategies.lost_replies()))
    def test_my_queue(plan):
        assert_holds(plan, MY_QUEUE)

A fault strategy knows no plan: it draws the number of a job or a worker, and ``plans`` folds
the number into what it has. Times are drawn in whole milliseconds and shrink towards 0, so
a minimal example can be read. Nothing here runs a plan.
"""

from __future__ import annotations

from .faults import (
    broker_crashes,
    doubled_calls,
    faults,
    floods,
    kills,
    late_calls,
    lost_replies,
    lost_requests,
    network_timeouts,
    outages,
    partitions,
    pauses,
    reset_calls,
    skewed_clocks,
    slow_networks,
    terminations,
    worker_kills,
)
from .plans import plans
from .profiles import PROFILES, register_profiles
from .workloads import Workload, behaviours, jobs, pools, queues, replays, retries, workloads

__all__ = [
    "PROFILES",
    "Workload",
    "behaviours",
    "broker_crashes",
    "doubled_calls",
    "faults",
    "floods",
    "jobs",
    "kills",
    "late_calls",
    "lost_replies",
    "lost_requests",
    "network_timeouts",
    "outages",
    "partitions",
    "pauses",
    "plans",
    "pools",
    "queues",
    "register_profiles",
    "replays",
    "reset_calls",
    "retries",
    "skewed_clocks",
    "slow_networks",
    "terminations",
    "worker_kills",
    "workloads",
]
