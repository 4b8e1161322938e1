"""One plan run in virtual time and judged, with no more work than exploration needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..backends.adapter import Adapter
from ..blame import blaming
from .checks import CHECKS
from .drivers.sim import simulate
from .finding import Judged
from .plan.plan import Plan
from .record.facts import Facts


class Trial(NamedTuple):
    """``broken`` are the violated guarantees by name, in the order in which they were judged."""

    plan: Plan
    facts: Facts
    broken: dict[str, Judged]


def attempt(plan: Plan, adapter: Adapter, guarantees: Sequence[str] | None = None) -> Trial:
    """Run the plan and hold these guarantees against it (default: the plan's own).

    Raises :class:`BackendFailed` if the backend does not answer but raises, and Unavailable.
    """
    with blaming(adapter.name):
        history = simulate(plan, adapter)
    facts = Facts(plan, adapter.claims, history)
    broken = {}
    for name in plan.guarantees if guarantees is None else guarantees:
        judged = CHECKS[name].hold(facts, adapter)
        if judged.verdict == "violated":
            broken[name] = judged
    return Trial(plan, facts, broken)
