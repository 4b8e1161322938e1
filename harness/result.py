"""The verdict on a run, as plain data: what a report needs and a machine can read."""

from __future__ import annotations

import platform
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from msgspec import Struct

from ..backends.system import System
from ..errors import HELD, INCONCLUSIVE, VIOLATED
from .checks import CHECKS
from .finding import CheckVerdict, Finding, Verdict
from .plan.plan import Plan, full_name
from .plan.replay import encode
from .record.duplicates import Duplicates, duplicates
from .record.facts import Facts
from .record.history import History
from .record.story import tell

EXIT = {"held": HELD, "violated": VIOLATED, "inconclusive": INCONCLUSIVE}


class CheckResult(Struct, frozen=True):
    """One guarantee: its verdict, its findings (worst first), what was measured."""

    name: str
    title: str
    verdict: CheckVerdict
    findings: tuple[Finding, ...]
    note: str


class Bite(Struct, frozen=True):
    """One cell of the bite matrix; ``required`` if the scenario needs it filled."""

    fault: str
    phase: str
    count: int
    required: bool


class Result(Struct, frozen=True):
    """A judged run. ``control`` names the check that a control variant had to violate.

    ``duplicates`` tells what became of work that the plan submits twice.
    """

    scenario: str
    variant: str
    backend: str
    driver: str
    seed: int
    verdict: Verdict
    sentence: str
    story: tuple[str, ...]
    checks: tuple[CheckResult, ...]
    outcomes: dict[str, int]
    bites: tuple[Bite, ...]
    faults: dict[str, dict[str, int]]
    duration_s: float
    recovery_s: float | None
    replay: str
    environment: dict[str, str]
    control: str | None = None
    duplicates: tuple[Duplicates, ...] = ()

    @property
    def full_name(self) -> str:
        """The scenario, and its variant unless it is the usual one."""
        return full_name(self.scenario, self.variant)

    @property
    def as_expected(self) -> Verdict:
        """The verdict to count: a control must be violated by its check, and only then holds."""
        if self.control is None:
            return self.verdict
        for check in self.checks:
            if check.name == self.control:
                return "held" if check.verdict == "violated" else "inconclusive"
        return "inconclusive"

    @property
    def findings(self) -> list[Finding]:
        """The findings of violated guarantees, in the plan's order of guarantees."""
        return [f for check in self.checks if check.verdict == "violated" for f in check.findings]


def judge(
    plan: Plan, adapter: System, history: History, driver: str, control: str | None = None
) -> Result:
    """Hold the history against the plan's guarantees.

    Violated if any guarantee is; else inconclusive if any is, or if none could be judged; else
    held. A guarantee that the system does not claim or show counts for nothing.
    """
    facts = Facts(plan, adapter.claims, history)
    checks = []
    for name in plan.guarantees:
        judged = CHECKS[name].hold(facts, adapter)
        checks.append(
            CheckResult(name, CHECKS[name].title, judged.verdict, judged.findings, judged.note)
        )
    verdict = _verdict(checks)
    sentence, story = _headline(facts, checks, verdict)
    cells = dict.fromkeys(plan.must_hit, 0) | facts.bites
    return Result(
        scenario=plan.scenario,
        variant=plan.variant,
        backend=adapter.name,
        driver=driver,
        seed=plan.seed,
        verdict=verdict,
        sentence=sentence,
        story=tuple(story),
        checks=tuple(checks),
        outcomes=facts.outcomes,
        bites=tuple(Bite(f, p, n, (f, p) in plan.must_hit) for (f, p), n in cells.items()),
        faults=facts.injected(),
        duration_s=round(facts.ended_at, 6),
        recovery_s=None if facts.quiet_at is None else max(0.0, facts.quiet_at - facts.healed_at),
        replay=encode(plan, adapter.name, driver),
        environment=environment(),
        control=control,
        duplicates=duplicates(facts),
    )


def _verdict(checks: list[CheckResult]) -> Verdict:
    verdicts = {check.verdict for check in checks}
    if "violated" in verdicts:
        return "violated"
    # That the faults struck is no promise of the system.
    promises = {check.verdict for check in checks if check.name != "faults_hit"}
    nothing_judged = promises == {"not judged"}
    return "inconclusive" if "inconclusive" in verdicts or nothing_judged else "held"


def _headline(facts: Facts, checks: list[CheckResult], verdict: Verdict) -> tuple[str, list[str]]:
    """The one sentence that people read first, and the story of the job that it is about."""
    for check in checks:
        if check.verdict == verdict != "held":
            if check.findings:
                first = check.findings[0]
                return first.sentence, tell(facts, first.job) if first.job >= 0 else []
            return check.note, []
    if verdict == "inconclusive":
        return f"no guarantee could be judged: {checks[0].note}", []
    outcomes = ", ".join(f"{n} {name}" for name, n in facts.outcomes.items() if n) or "no job"
    unjudged = sum(check.verdict == "not judged" for check in checks)
    if unjudged:
        return f"{len(checks) - unjudged} guarantees held, {unjudged} not judged: {outcomes}", []
    return f"every guarantee held: {outcomes}", []


def environment() -> dict[str, str]:
    """What a result depends on besides its plan: versions and platform."""
    return dict(_environment())


@cache
def _environment() -> dict[str, str]:
    found = {"python": platform.python_version(), "platform": platform.platform()}
    for package in ("jobquake", "simpy", "numpy", "msgspec"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "unknown"
    found["implementation"] = sys.implementation.name
    return found
