"""jobquake shakes job queues: it kills, cuts, delays and floods, and holds the outcome
against an independent ledger.

What is public are the names here and those of the modules at the top that ``dir(jobquake)``
lists: ``jobquake.faults``, ``jobquake.checks``, ``jobquake.adapters`` and so on. The rooms below
(``jobquake.harness`` and the like) are internal and move without notice. Names are imported
when first used, so ``import jobquake`` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import _moved

if TYPE_CHECKING:
    from . import adapters as adapters
    from . import backends as backends
    from . import checks as checks
    from . import commands as commands
    from . import contract as contract
    from . import errors as errors
    from . import faults as faults
    from . import scenarios as scenarios
    from . import strategies as strategies
    from .api import assert_holds, run, validate
    from .backends.adapter import Adapter
    from .backends.claims import Claims
    from .effects.sink.payments import SinkBehaviour
    from .effects.sink.server import Sink
    from .environments.cache import environment
    from .errors import JobquakeError
    from .harness.drivers.sim import simulate
    from .harness.finding import Finding
    from .harness.plan.plan import Plan, PlannedJob, Pool, Queue, ReplayDead
    from .harness.plan.replay import decode, encode
    from .harness.properties import Property, always, eventually, never
    from .harness.record.facts import Facts
    from .harness.record.history import History
    from .harness.result import Result, judge
    from .harness.run import Run
    from .lookup import backend, scenario
    from .own_app import AppRun, OwnApp, app
    from .protocol.commands import Job, RetryPolicy
    from .protocol.events import Answer, Event, Phase
    from .scenarios.scenario import Scenario

_MODULES = (
    "adapters",
    "backends",
    "checks",
    "commands",
    "contract",
    "errors",
    "faults",
    "scenarios",
    "strategies",
)
_PUBLIC = {
    "Adapter": ".backends.adapter",
    "Answer": ".protocol.events",
    "AppRun": ".own_app",
    "OwnApp": ".own_app",
    "app": ".own_app",
    "Claims": ".backends.claims",
    "Event": ".protocol.events",
    "Facts": ".harness.record.facts",
    "Finding": ".harness.finding",
    "History": ".harness.record.history",
    "Job": ".protocol.commands",
    "JobquakeError": ".errors",
    "Phase": ".protocol.events",
    "Plan": ".harness.plan.plan",
    "PlannedJob": ".harness.plan.plan",
    "Pool": ".harness.plan.plan",
    "Property": ".harness.properties",
    "Queue": ".harness.plan.plan",
    "ReplayDead": ".harness.plan.plan",
    "Result": ".harness.result",
    "RetryPolicy": ".protocol.commands",
    "Run": ".harness.run",
    "Scenario": ".scenarios.scenario",
    "Sink": ".effects.sink.server",
    "SinkBehaviour": ".effects.sink.payments",
    "always": ".harness.properties",
    "assert_holds": ".api",
    "backend": ".lookup",
    "decode": ".harness.plan.replay",
    "encode": ".harness.plan.replay",
    "environment": ".environments.cache",
    "eventually": ".harness.properties",
    "judge": ".harness.result",
    "never": ".harness.properties",
    "run": ".api",
    "scenario": ".lookup",
    "simulate": ".harness.drivers.sim",
    "validate": ".api",
}

__all__ = [
    "Adapter",
    "Answer",
    "AppRun",
    "Claims",
    "Event",
    "Facts",
    "Finding",
    "History",
    "Job",
    "JobquakeError",
    "OwnApp",
    "Phase",
    "Plan",
    "PlannedJob",
    "Pool",
    "Property",
    "Queue",
    "ReplayDead",
    "Result",
    "RetryPolicy",
    "Run",
    "Scenario",
    "Sink",
    "SinkBehaviour",
    "always",
    "app",
    "assert_holds",
    "backend",
    "decode",
    "encode",
    "environment",
    "eventually",
    "judge",
    "never",
    "run",
    "scenario",
    "simulate",
    "validate",
]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f".{name}", __name__)
    if name not in _PUBLIC:
        raise AttributeError(f"module 'jobquake' has no attribute {name!r}")
    value = getattr(import_module(_PUBLIC[name], __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted((*_MODULES, *__all__, "__version__"))


_moved.forward()
