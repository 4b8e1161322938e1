"""One plan run in virtual time and judged, with no more work than exploration needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..backends.adapter import Adapter, Unavailable
from ..errors import BackendFailed
from .checks import CHECKS
from .checks.finding import Judged
from .drivers.sim import simulate
from .plan.plan import Plan
from .plan.replay import encode
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
    try:
        history = simulate(plan, adapter)
    except Unavailable:
        raise
    except Exception as error:
        raise BackendFailed(
            f"expected {adapter.name} to answer every command, found that it raised "
            f"{type(error).__name__}: {error}; see where with "
            f"jobquake replay '{encode(plan, adapter.name, 'sim')}'"
        ) from error
    facts = Facts(plan, adapter.claims, history)
    broken = {}
    for name in plan.guarantees if guarantees is None else guarantees:
        judged = CHECKS[name].hold(facts, adapter)
        if judged.verdict == "violated":
            broken[name] = judged
    return Trial(plan, facts, broken)
