"""Checks: one file each, found by listing this folder, and named for its guarantee.

A file says in ``TITLE`` what it guarantees, in words, in ``NEEDS`` what must be seen of a
system to judge it, and in ``RANK`` where it stands among the checks. Its ``judge`` is a small
pure function from the facts of a run to findings: no finding means that the guarantee held,
unless the check says that there was nothing to judge.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple

from ...backends.system import System, sees
from ...listing import files
from ..finding import Judged, not_judged
from ..plan.plan import Plan
from ..plan.validate import PlanError
from ..record.facts import Facts
from ..sight import Needs, hidden


class Check(NamedTuple):
    """``title`` is the guarantee in words; ``judge`` holds a run against it.

    ``needs`` is what must be seen of a system for that (see :mod:`..sight`), ``claims`` what it
    must claim.
    """

    name: str
    title: str
    judge: Callable[[Facts], Judged]
    needs: Needs = ()
    claims: tuple[str, ...] = ()

    def hold(self, facts: Facts, system: System) -> Judged:
        """Judge a run of the system, if the system shows what that takes."""
        unseen = hidden(self.needs, sees(system))
        if unseen:
            return not_judged(f"{system.name} does not show {unseen}")
        return self.answer(facts)

    def answer(self, facts: Facts) -> Judged:
        """Judge a run of which all is seen, as far as the claims go."""
        lacking = [name for name in self.claims if not getattr(facts.claims, name)]
        if lacking:
            return not_judged(f"the backend does not claim {' and '.join(lacking)}")
        return self.judge(facts)


def _found() -> dict[str, Check]:
    """A check for each file of this folder, by name, in the order of their ranks."""
    modules = {name: import_module(f"{__name__}.{name}") for name in files(__name__)}
    return {
        name: Check(name, module.TITLE, module.judge, module.NEEDS, getattr(module, "CLAIMS", ()))
        for name, module in sorted(modules.items(), key=lambda found: found[1].RANK)
    }


CHECKS = _found()
GUARANTEES = tuple(CHECKS)


def see_guarantees(plan: Plan) -> None:
    """Raise :class:`PlanError` about the first guarantee of the plan that has no check."""
    for guarantee in plan.guarantees:
        if guarantee not in CHECKS:
            raise PlanError(
                f"expected one of {', '.join(CHECKS)} as guarantee of the plan, found "
                f"{guarantee!r}; mend what made the plan, or copy its replay string again"
            )
