"""One plan run in virtual time and judged, with no more work than exploration needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..backends.adapter import Adapter
from ..blame import blaming
from ..errors import EnvironmentFault
from .checks import CHECKS, hold_all
from .drivers.sim import simulate
from .finding import Judged
from .plan.plan import Plan
from .plan.within import within
from .record.facts import Facts
from .record.history import History
from .record.trouble import why_environment


class Trial(NamedTuple):
    """``broken`` are the violated guarantees by name, the gravest first.

    ``unjudged`` are those that were not judged, and why.
    """

    plan: Plan
    facts: Facts
    broken: dict[str, Judged]
    unjudged: dict[str, str]


def attempt(plan: Plan, adapter: Adapter, guarantees: Sequence[str] | None = None) -> Trial:
    """Run the plan and hold these guarantees against it.

    By default its own and those that always bind.

    Raises :class:`BackendFailed` if the backend does not answer but raises, Unavailable, and
    :class:`EnvironmentFault` if nothing broke but what the queue's server needs.
    """
    return judged(plan, adapter, played(plan, adapter), guarantees)


def played(plan: Plan, adapter: Adapter) -> History:
    """The plan's history. Raises BackendFailed if the backend raises, and Unavailable."""
    with blaming(adapter.name):
        return simulate(within(plan, adapter.claims), adapter)


def judged(
    plan: Plan, adapter: Adapter, history: History, guarantees: Sequence[str] | None = None
) -> Trial:
    """The plan's history, held against these guarantees as :func:`attempt` says."""
    plan = within(plan, adapter.claims)
    facts = Facts(plan, adapter.claims, history)
    if guarantees is None:
        answers = hold_all(plan.guarantees, facts, adapter)
    else:
        answers = {name: CHECKS[name].hold(facts, adapter) for name in guarantees}
    broken = {name: judged for name, judged in answers.items() if judged.verdict == "violated"}
    if not broken and (why := why_environment(facts)):
        raise EnvironmentFault(f"expected a server that can keep the queue, found that {why}")
    unjudged = {
        name: judged.note for name, judged in answers.items() if judged.verdict == "not judged"
    }
    return Trial(plan, facts, broken, unjudged)
