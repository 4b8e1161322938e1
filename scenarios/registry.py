"""The list of scenarios: one line each, extended by the entry points ``jobquake.scenarios``.

``MAIN`` are those that run when nobody names any: the failures that every queue meets first.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.metadata import entry_points

from ..errors import BrokenPlugin
from .scenario import Scenario

GROUP = "jobquake.scenarios"
BUILT_IN = {
    "worker-kill-before-ack": ".worker_kill_before_ack",
    "network-timeout": ".network_timeout",
    "slow-job-flood": ".slow_job_flood",
    "reply-lost": ".reply_lost",
    "partition": ".partition",
    "slow-network": ".slow_network",
    "broker-crash": ".broker_crash",
    "retry-storm": ".retry_storm",
    "permanent-failure": ".permanent_failure",
    "poison-job": ".poison_job",
    "stuck-job": ".stuck_job",
    "dead-letter-replay": ".dead_letter_replay",
    "graceful-shutdown": ".graceful_shutdown",
    "zombie-worker": ".zombie_worker",
    "burst": ".burst",
    "overload": ".overload",
    "duplicate-submission": ".duplicate_submission",
    "duplicate-a-day-later": ".duplicate_a_day_later",
    "clock-skew": ".clock_skew",
    "day-of-chaos": ".day_of_chaos",
}
MAIN = ("worker-kill-before-ack", "network-timeout", "slow-job-flood")


def names() -> list[str]:
    """Every scenario that can be asked for, built in first."""
    return [*BUILT_IN, *(n for n in sorted(entry_points(group=GROUP).names) if n not in BUILT_IN)]


@cache
def find(name: str) -> Scenario:
    """The scenario of that name. Raises KeyError if there is none."""
    if name in BUILT_IN:
        scenario: Scenario = import_module(BUILT_IN[name], __package__).SCENARIO
        return scenario
    for entry in entry_points(group=GROUP, name=name):
        try:
            loaded: Scenario = entry.load()
        except Exception as error:
            raise BrokenPlugin(
                f"expected the scenario {name} in {entry.value}, found "
                f"{type(error).__name__}: {error}; repair or uninstall that package"
            ) from error
        return loaded
    raise KeyError(name)
