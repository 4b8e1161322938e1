"""jobquake shakes job queues: it kills, cuts, delays and floods, and holds the outcome
against an independent ledger.

The public names are imported when first used, so ``import jobquake`` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import _moved

if TYPE_CHECKING:
    from .backends.adapter import Adapter, Claims
    from .harness.assertions import assert_holds
    from .harness.drivers.sim import simulate
    from .harness.plan.plan import Plan
    from .harness.record.history import History
    from .harness.result import Result, judge
    from .harness.run import run
    from .protocol.commands import Job, RetryPolicy
    from .scenarios.scenario import Scenario

_PUBLIC = {
    "Adapter": ".backends.adapter",
    "Claims": ".backends.adapter",
    "History": ".harness.record.history",
    "Job": ".protocol.commands",
    "Plan": ".harness.plan.plan",
    "Result": ".harness.result",
    "RetryPolicy": ".protocol.commands",
    "Scenario": ".scenarios.scenario",
    "assert_holds": ".harness.assertions",
    "judge": ".harness.result",
    "run": ".harness.run",
    "simulate": ".harness.drivers.sim",
}

__all__ = [
    "Adapter",
    "Claims",
    "History",
    "Job",
    "Plan",
    "Result",
    "RetryPolicy",
    "Scenario",
    "assert_holds",
    "judge",
    "run",
    "simulate",
]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'jobquake' has no attribute {name!r}")
    value = getattr(import_module(_PUBLIC[name], __name__), name)
    globals()[name] = value
    return value


_moved.forward()
