"""Checks: one file each, found by listing this folder, and named for its guarantee.

A file says in ``TITLE`` what it guarantees, in words, in ``NEEDS`` what must be seen of a
system to judge it, and in ``RANK`` where it stands among the checks, the gravest first. Its
``judge`` is a small pure function from the facts of a run to findings: no finding means that the
guarantee held, unless the check says that there was nothing to judge.

It may say more. ``ALWAYS = True``: it binds in every run, whether the plan names it or not.
``CLAIMS``: without these claims it judges nothing. ``EXCUSED_BY``: without these claims it does not
judge the jobs that they concern (:mod:`..record.excuses`), such as those that a crash of the
server met, where durability is not claimed. ``NEEDS_TIME = True``: a machine that is too busy can
break it on its own (:mod:`..spec.slowness`), and then it says so instead of accusing the queue.
``CERTAIN = True``: what it finds is the queue's mistake even where the environment let the queue's
server down (:mod:`..record.trouble`); other checks say nothing then of the jobs that met an error,
and those that need time nothing at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from typing import NamedTuple

from ...backends.claims import Claim, unclaimed
from ...backends.system import System, sees
from ...listing import files
from ..finding import Judged, not_judged
from ..plan.plan import Plan
from ..plan.validate import PlanError
from ..record.excuses import OF_DELIVERIES, excused
from ..record.facts import Facts
from ..record.trouble import of_environment, why_environment
from ..sight import Needs, hidden
from ..spec.slowness import too_busy


class Check(NamedTuple):
    """``title`` is the guarantee in words; ``judge`` holds a run against it.

    ``needs`` is what must be seen of a system for that (see :mod:`..sight`); the docstring of
    this package tells of the rest.
    """

    name: str
    title: str
    judge: Callable[[Facts], Judged]
    needs: Needs = ()
    always: bool = False
    claims: tuple[Claim, ...] = ()
    excused_by: tuple[Claim, ...] = OF_DELIVERIES
    needs_time: bool = False
    certain: bool = False

    def hold(self, facts: Facts, system: System) -> Judged:
        """Judge a run of the system, if the system claims it and shows what that takes."""
        unseen = hidden(self.needs, sees(system))
        if unseen:
            return not_judged(f"{system.name} does not show {unseen}")
        return self.answer(facts)

    def answer(self, facts: Facts) -> Judged:
        """Judge a run of which all is seen, as far as the claims go."""
        lacking = unclaimed(facts.claims, self.claims)
        if lacking:
            return not_judged(lacking)
        judged = excused(self.judge(facts), facts, self.excused_by)
        if self.needs_time and judged.verdict == "violated" and (why := too_busy(facts)):
            return Judged("inconclusive", note=why)
        return judged if self.certain else self._let_down(judged, facts)

    def _let_down(self, judged: Judged, facts: Facts) -> Judged:
        """The answer without the findings that errors of the environment may have caused."""
        if judged.verdict != "violated" or not (why := why_environment(facts)):
            return judged
        met = of_environment(facts)
        left = [
            finding
            for finding in judged.findings
            if not self.needs_time and 0 <= finding.job < facts.jobs and not met[finding.job]
        ]
        return Judged(
            "violated" if left else "inconclusive", tuple(left), judged.note if left else why
        )

    def implied(self, facts: Facts, system: System) -> Judged | None:
        """The same of a run whose plan does not name it; None if there was nothing to judge."""
        if hidden(self.needs, sees(system)):
            return None  # nobody asked
        judged = self.judge(facts)
        return None if judged.verdict == "inconclusive" else self.answer(facts)


def _found() -> dict[str, Check]:
    """A check for each file of this folder, by name, in the order of their ranks."""
    modules = {name: import_module(f"{__name__}.{name}") for name in files(__name__)}
    return {
        name: Check(
            name,
            module.TITLE,
            module.judge,
            module.NEEDS,
            getattr(module, "ALWAYS", False),
            getattr(module, "CLAIMS", ()),
            getattr(module, "EXCUSED_BY", OF_DELIVERIES),
            getattr(module, "NEEDS_TIME", False),
            getattr(module, "CERTAIN", False),
        )
        for name, module in sorted(modules.items(), key=lambda found: found[1].RANK)
    }


CHECKS = _found()
GUARANTEES = tuple(CHECKS)


def hold_all(named: Iterable[str], facts: Facts, system: System) -> dict[str, Judged]:
    """The answers of the checks that the plan names and of those that always bind, gravest first.

    A check that nobody named and that found nothing to judge is left out.
    """
    asked, answers = set(named), dict[str, Judged]()
    for name, check in CHECKS.items():
        if name in asked:
            answers[name] = check.hold(facts, system)
        elif check.always and (judged := check.implied(facts, system)):
            answers[name] = judged
    return answers


def see_guarantees(plan: Plan) -> None:
    """Raise :class:`PlanError` about the first guarantee of the plan that has no check."""
    for guarantee in plan.guarantees:
        if guarantee not in CHECKS:
            raise PlanError(
                f"expected one of {', '.join(CHECKS)} as guarantee of the plan, found "
                f"{guarantee!r}; mend what made the plan, or copy its replay string again"
            )
