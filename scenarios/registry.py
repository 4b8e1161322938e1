"""Every scenario by its name: a file of this folder that holds ``SCENARIO`` is one.

``zombie_worker.py`` holds the scenario ``zombie-worker``. Other packages add theirs through the
entry point group ``jobquake.scenarios``.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module

from ..listing import files, held, plugin, plugins
from .scenario import Scenario

GROUP = "jobquake.scenarios"


@cache
def _built_in() -> list[Scenario]:
    """The scenarios of this folder in the order of their ranks."""
    found = held(__package__, "SCENARIO").values()
    return sorted(found, key=lambda scenario: (scenario.rank, scenario.name))


def names() -> list[str]:
    """Every scenario that can be asked for, built in first."""
    return list(dict.fromkeys([*(scenario.name for scenario in _built_in()), *plugins(GROUP)]))


def main() -> list[str]:
    """Those that run when nobody names any: the failures that every queue meets first."""
    return [scenario.name for scenario in _built_in() if scenario.main]


@cache
def find(name: str) -> Scenario:
    """The scenario of that name. Raises KeyError if there is none, and BrokenPlugin."""
    file = name.replace("-", "_")
    scenario: Scenario | None = None
    if file in files(__package__):
        scenario = vars(import_module(f".{file}", __package__)).get("SCENARIO")
    if scenario is None or scenario.name != name:
        scenario = plugin(GROUP, "scenario", name)
    return scenario
