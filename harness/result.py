"""The verdict on a run, as plain data: what a report needs and a machine can read."""

from __future__ import annotations

import platform
import shlex
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

from msgspec import Struct

from ..backends.system import Advised, Advising, Counting, System
from ..errors import ENVIRONMENT, HELD, INCONCLUSIVE, VIOLATED
from .checks import CHECKS, hold_all
from .finding import CheckVerdict, Finding, Verdict
from .plan.plan import Plan, full_name
from .plan.replay import encode
from .properties import Judgement
from .record.duplicates import Duplicates, duplicates
from .record.excuses import unjudgeable
from .record.facts import Facts, Outcome
from .record.fates import Fate, fates
from .record.history import History
from .record.injected import injected
from .record.story import tell
from .record.trouble import Trouble, troubles

ConfirmationOutcome = Literal["confirmed", "vanished", "not repeated"]
NEVER_HAPPENED: tuple[Outcome, ...] = (
    "refused", "never submitted", "unknown", "lost", "stuck", "phantom"
)  # fmt: skip
DONE: tuple[Outcome, ...] = ("done", "run again", "duplicated", "absorbed")
OPTIONS = "options"  # of a command that find the system again, in what a result depends on
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


class Confirmation(Struct, frozen=True):
    """What became of a violation that was found in leaping time, in real time: in a sentence, too.

    confirmed: the same plan broke the same guarantee there. vanished: it did not, in several runs.
    not repeated: nobody knows.
    """

    outcome: ConfirmationOutcome
    sentence: str


class Result(Struct, frozen=True):
    """A judged run. ``control`` names the check that a control variant had to violate.

    ``duplicates`` tells what became of work that the plan submits twice, ``troubles`` with which
    errors the queue's server answered. By the job's number, ``where`` tells what holds a job at the
    end, or is recorded of it, in the system's own words, and ``logged`` what its worker wrote to
    the log when a fault had struck it. ``advice``: what the system's configuration cannot give.
    ``confirmation``: of a violation that was found in leaping time, whether real time shows it.
    ``fates``: the outcomes of a library's own workers, in as many words as are known of them.
    ``counted``: what exactly is counted as their effects, or that nothing is.
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
    troubles: tuple[Trouble, ...] = ()
    where: dict[int, str] = {}
    logged: dict[int, tuple[str, ...]] = {}
    advice: tuple[Advised, ...] = ()
    confirmation: Confirmation | None = None
    fates: tuple[Fate, ...] = ()
    counted: str = ""

    @property
    def full_name(self) -> str:
        """The scenario, and its variant unless it is the usual one."""
        return full_name(self.scenario, self.variant)

    @property
    def replay_command(self) -> str:
        """What to type to run the plan again."""
        found = self.environment.get(OPTIONS)
        return f"jobquake replay '{self.replay}'" + (f" {found}" if found else "")

    def again(self, folder: str) -> str:
        """The same for a run that is kept there, which is shorter."""
        return self.replay_command.replace(f"'{self.replay}'", shlex.quote(folder))

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
    def vanished(self) -> bool:
        """Whether it accuses nobody any more, since real time does not show what was found."""
        return self.confirmation is not None and self.confirmation.outcome == "vanished"

    @property
    def environment_at_fault(self) -> bool:
        """Whether the run proves nothing since the queue's server lacked what it needs."""
        return self.as_expected == "inconclusive" and any(t.environment for t in self.troubles)

    @property
    def exit_code(self) -> int:
        """What the command line ends with after this run."""
        return ENVIRONMENT if self.environment_at_fault else EXIT[self.as_expected]

    @property
    def findings(self) -> list[Finding]:
        """The findings of violated guarantees, the gravest first."""
        return [f for check in self.checks if check.verdict == "violated" for f in check.findings]


def judge(
    plan: Plan,
    adapter: System,
    history: History,
    driver: str,
    control: str | None = None,
    about: str | None = None,
    where: Mapping[int, str] | None = None,
    logged: Mapping[int, tuple[str, ...]] | None = None,
    judgements: Sequence[Judgement] = (),
) -> Result:
    """Hold the history against the plan's guarantees, and those that always bind.

    Violated if any guarantee is; else inconclusive if any is, if none of the plan's own could be
    judged, or if most of the work never happened; else held. A guarantee that the system does
    not claim or show counts for nothing. The headline is about the gravest that broke, unless
    ``about`` names another. ``where``: of jobs, what the system says that holds them, or has
    recorded of them. ``judgements``: what is proved of what a team says of its own app.
    """
    facts = Facts(plan, adapter.claims, history)
    answers = {
        name: unjudgeable(judged, facts, CHECKS[name].excused_by)
        for name, judged in hold_all(plan.guarantees, facts, adapter).items()
    }
    checks = [
        CheckResult(name, CHECKS[name].title, judged.verdict, judged.findings, judged.note)
        for name, judged in answers.items()
    ]
    checks += map(_of_property, judgements)
    checks.sort(key=lambda check: check.name != about)
    met = troubles(facts)
    nothing_proved = _nothing_proved(facts, checks)
    verdict = _verdict(checks, nothing_proved)
    sentence, story = _headline(facts, checks, verdict, nothing_proved)
    if verdict == "inconclusive" and (failed := _none_done(facts, where or {})):
        sentence = f"{failed}; {sentence}"
    if verdict == "inconclusive" and met:
        sentence, story = _told_by_error(facts, met[0], sentence)
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
        faults=injected(facts),
        duration_s=round(facts.ended_at, 6),
        recovery_s=None if facts.quiet_at is None else max(0.0, facts.quiet_at - facts.healed_at),
        replay=encode(plan, adapter.name, driver),
        environment=environment(),
        control=control,
        duplicates=duplicates(facts),
        troubles=met,
        where=dict(where or {}),
        logged=dict(logged or {}),
        advice=tuple(adapter.advice()) if isinstance(adapter, Advising) else (),
        fates=fates(facts, where or {}),
        counted=adapter.counted if isinstance(adapter, Counting) else "",
    )


def _of_property(judged: Judgement) -> CheckResult:
    """What a team says of its app, as a guarantee among the others."""
    named = f"{judged.property.kind}: {judged.property.name}"
    found = (Finding(-1, judged.sentence),) if judged.verdict == "violated" else ()
    return CheckResult(named, named, judged.verdict, found, judged.sentence)


def _verdict(checks: list[CheckResult], nothing_proved: str) -> Verdict:
    verdicts = {check.verdict for check in checks}
    if "violated" in verdicts:
        return "violated"
    return "inconclusive" if "inconclusive" in verdicts or nothing_proved else "held"


def _nothing_proved(facts: Facts, checks: list[CheckResult]) -> str:
    """Why a run in which nothing broke proves nothing all the same; "" if it does."""
    # That the faults struck is no promise of the system.
    asked = [name for name in facts.plan.guarantees if name != "faults_hit"]
    if not asked:
        return "the plan asks for no guarantee"
    answers = [check for check in checks if check.name in asked]
    if all(check.verdict == "not judged" for check in answers):
        return f"no guarantee could be judged: {answers[0].note}"
    stuck = facts.outcomes["stuck"] + facts.outcomes["recoverable"]
    for check in checks:
        if stuck and check.name == "progress_after_heal" and check.verdict == "not judged":
            return f"{stuck} of {facts.jobs} jobs were still held at the end: {check.note}"
    return _hardly_any_work(facts)


def _given_up_unseen(facts: Facts, job: int) -> bool:
    """Whether it was tried, and may have been given up on by a queue without dead letters."""
    tried = bool(facts.handed_out[job]) and not facts.claims.dead_letters
    return tried and facts.outcome(job) == "lost"


def _hardly_any_work(facts: Facts) -> str:
    """That most of the work never happened, in a sentence; "" if most did.

    A queue with a limit is meant to refuse some; its jobs do not count.
    """
    limited = {n for n, queue in enumerate(facts.plan.queues) if queue.max_waiting is not None}
    fates = [
        facts.outcome(job)
        for job, planned in enumerate(facts.plan.jobs)
        if planned.queue not in limited and not _given_up_unseen(facts, job)
    ]
    never = [fate for fate in fates if fate in NEVER_HAPPENED]
    if 2 * len(never) <= len(fates):
        return ""
    what = ", ".join(f"{never.count(fate)} {fate}" for fate in NEVER_HAPPENED if fate in never)
    return f"most of the work never happened: of {len(fates)} jobs {what}"


def _none_done(facts: Facts, where: Mapping[int, str]) -> str:
    """That no job was done, and what the system has recorded of one; "" if one was."""
    counts = facts.outcomes
    if any(counts[fate] for fate in DONE) or not where:
        return ""
    job = min(where)
    return f"no job was done; of job {job} there is {where[job]}"


def _headline(
    facts: Facts, checks: list[CheckResult], verdict: Verdict, nothing_proved: str
) -> tuple[str, list[str]]:
    """The one sentence that people read first, and the story of the job that it is about."""
    if verdict == "inconclusive" and nothing_proved:
        return nothing_proved, []
    for check in checks:
        if check.verdict == verdict != "held":
            if check.findings:
                first = check.findings[0]
                return first.sentence, _story(facts, first)
            return check.note, []
    outcomes = ", ".join(f"{n} {name}" for name, n in facts.outcomes.items() if n) or "no job"
    unjudged = sum(check.verdict == "not judged" for check in checks)
    if unjudged:
        return f"{len(checks) - unjudged} guarantees held, {unjudged} not judged: {outcomes}", []
    return f"every guarantee held: {outcomes}", []


def _told_by_error(facts: Facts, met: Trouble, otherwise: str) -> tuple[str, list[str]]:
    """The sentence and the story of a run that proves nothing, and in which calls met an error."""
    story = tell(facts, met.job) if met.job >= 0 else []
    if met.environment:
        return f"the environment was at fault, not the queue: {met.sentence}", story
    return (f"{otherwise}; {met.sentence}" if met.said not in otherwise else otherwise), story


def _story(facts: Facts, finding: Finding) -> list[str]:
    return tell(facts, finding.job, finding.events) if finding.job >= 0 else []


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
