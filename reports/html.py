"""One self-contained HTML page for one run: verdict and story first, then all of it in numbers.

It reads whole without scripts and without styles, since artifact servers forbid both, and what
others named is text in it, whatever it looks like. Puts parts together; computes nothing.
"""

from __future__ import annotations

from typing import NamedTuple

from markupsafe import Markup

from ..backends.adapter import Claims
from ..harness.plan.plan import Plan
from ..harness.plan.plan_json import to_json
from ..harness.record.facts import Facts
from ..harness.record.history import History
from ..harness.result import CheckResult, Result
from ..harness.shrink.failure import Failure
from . import charts, tables
from .causes import Advice, advice
from .duplicates import LATE, table, telling
from .offline import Fragment, own_text, page_of
from .sequence import sequence
from .shown import finding_of, first_broken, jobs_of
from .space_time import Diagram, diagram
from .symptoms import symptoms
from .timeline import fragment
from .whole_run import WholeRun

MOST_MARKS = 90
MOST_PLAN = 60_000
WORDS = {"held": "Held", "violated": "Violated", "inconclusive": "Inconclusive"}
UNBROKEN = {"held": "Nothing broke", "inconclusive": "This run proves nothing"}


class Headline(NamedTuple):
    """The first words; ``look`` is the verdict whose sign and colour they have, ``also`` are the
    titles of what else broke.
    """

    look: str
    verdict: str
    title: str
    also: list[str]
    shrinkable: bool


def page(
    result: Result,
    plan: Plan,
    claims: Claims,
    history: History,
    failure: Failure | None = None,
    timeline: Fragment | None = None,
) -> str:
    """The page; every text in it is escaped, since payloads may be hostile.

    ``failure``: what is known of a shrunk failure that this run shows. ``timeline``: another
    picture of everything than our own, for the end of the page.
    """
    facts = Facts(plan, claims, history)
    broken, finding = first_broken(result), finding_of(result)
    hero = finding.job
    jobs, seen = _story_of(facts, result)
    run = WholeRun(facts)
    plan_json = to_json(plan).decode()
    part = timeline or _timeline(facts, result)
    return page_of(
        "report.html",
        [own_text("report.css"), part.style],
        [own_text("report.js") if seen.lanes else "", part.script],
        result=result,
        headline=_headline(result),
        picture=sequence(seen, hero, finding.events),
        twin=tables.of_picture(seen),
        jobs=jobs,
        hero=hero,
        advice=None if result.vanished else _advice(facts, broken, hero),
        failure=failure,
        likelihood=charts.likelihood(failure.curve)
        if failure and failure.curve and failure.curve.moments
        else None,
        tables=tables.of_run(result, run),
        charts=[*charts.waits(run), *charts.over_time(run)] if facts.accepted.any() else [],
        settings=tables.of_settings(result, plan, claims),
        duplicates=table(telling(result.duplicates)),
        logged=result.logged.get(hero, ()),
        late=LATE,
        timeline=part,
        plan_json=plan_json if len(plan_json) <= MOST_PLAN else "",
    )


def _timeline(facts: Facts, result: Result) -> Fragment:
    """Everything that happened, as one picture to move in; nothing, if nothing did."""
    if not len(facts.history):
        return Fragment(Markup())
    return fragment(facts, result)


def _headline(result: Result) -> Headline:
    broken = [check.title for check in result.checks if check.verdict == "violated"]
    look, shrinkable = result.as_expected, False
    word, title = WORDS[look], UNBROKEN.get(look, "")
    if result.environment_at_fault:
        title = "The environment was at fault, not the queue"
    if result.vanished:
        title = "Leaping time was at fault, not the queue"
    if result.control:
        wanted = next((c.title for c in result.checks if c.name == result.control), result.control)
        broken = [title for title in broken if title != wanted]
        title = f"The control did not break: {wanted}"
        if look == "held":
            word, title = "As expected", f"The control broke: {wanted}"
    elif look == "violated":
        title, broken, shrinkable = f"Broken promise: {broken[0]}", broken[1:], True
    return Headline(look, f"{word}: {result.scenario}", title, broken, shrinkable)


def _story_of(facts: Facts, result: Result) -> tuple[list[int], Diagram]:
    """The jobs to show, as many as can be followed, and what happened to them."""
    jobs = jobs_of(facts, result)
    seen = diagram(facts, jobs)
    if len(seen.marks) > MOST_MARKS and len(jobs) > 1:
        jobs = jobs[:1]
        seen = diagram(facts, jobs)
    return jobs, seen


def _advice(facts: Facts, broken: CheckResult | None, hero: int) -> Advice | None:
    if broken is None or (broken.verdict == "inconclusive" and broken.name != "faults_hit"):
        return None
    return advice(broken.name, symptoms(facts, hero))
