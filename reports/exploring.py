"""An exploration of an app as lines for a terminal and as one HTML page. Computes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich.console import Console

from ..harness.units import seconds
from ..sweep.exploring.explored import Explored
from ..sweep.exploring.finding import Finding
from ..sweep.exploring.search import Search
from ..sweep.outcome import LOOKS, Outcome
from .offline import own_text, page_of
from .plain import one_line

MOST_LISTED = 400  # plans on a page, the newest


def headline(search: Search) -> str:
    """One line while it goes on."""
    all_runs = search.runs + search.trials
    rate = f" ({60 * all_runs / search.seconds:.0f}/min)" if search.seconds else ""
    said = f"{search.runs} plans and {search.trials} trials in {search.seconds:.0f} s{rate}"
    found = len(search.findings)
    said += f": {outcomes(search.outcomes)}; " if search.outcomes else "; "
    said += f"{search.orders} orders of round trips seen; {found} finding{'s' * (found != 1)}"
    return one_line(said + (f"; {search.doing}" if search.doing else ""))


def outcomes(counts: Mapping[Outcome, int]) -> str:
    """How often each outcome came, in the order of the legend."""
    return ", ".join(f"{counts[one]} {one}" for one in LOOKS if counts.get(one))


def summary(seen: Explored) -> list[str]:
    """The whole of it in a few sentences."""
    found, all_runs = len(seen.accused), seen.runs + seen.trials
    ended = "; interrupted then" if seen.interrupted else ""
    first = (
        f"{seen.runs} plans of few jobs were run in {seconds(seen.seconds)}, and {seen.trials} "
        f"times one again or a smaller one ({60 * all_runs / max(1.0, seen.seconds):.0f} runs a "
        f"minute), on {seen.library}, from seed {seen.seed}{ended}."
    )
    what = (
        f"{found} way{'s' * (found != 1)} to lose work or make it stand still"
        if found
        else ("No work was lost or stood still")
    )
    missed = seen.outcomes.get("not hit", 0)
    second = f"{what}; {seen.orders} orders of named round trips were seen."
    third = (
        f"In {seen.proved} runs every strike struck and every job's fate is known. "
        f"In {seen.partly} a strike met nothing, in {missed} all did: that proves nothing."
    )
    said = [first, second, third]
    if seen.swept:
        said.append(
            f"{len(seen.swept)} strikes that a sweep knows to break something were left out."
        )
    if seen.outcomes:
        said.append(f"The gravest outcome of each: {outcomes(seen.outcomes)}.")
    return said


def tell(seen: Explored, console: Console, full: bool = False) -> None:
    """All of it, for a terminal; ``full``: with replay strings in place of folders."""
    for line in summary(seen):
        console.print(one_line(line), soft_wrap=True)
    for known in seen.mended:
        named = ", ".join(known.strikes)
        console.print(one_line(f"known and mended: {known.outcome}: {named}"), soft_wrap=True)
    for finding in seen.findings:
        for line in lines(finding, seen.options, full):
            console.print(one_line(line) if line else "", soft_wrap=True)


def lines(finding: Finding, options: str, full: bool = False) -> Iterator[str]:
    """One finding: which strikes, what became of which job, how often, and how to see it again."""
    yield ""
    yield f"{LOOKS[finding.outcome].sign} {title(finding)}"
    yield f"  {finding.sentence}"
    for step in finding.story:
        yield f"    {step}"
    for line in facts(finding):
        yield f"  {line}"
    again = finding.again
    if finding.folder and not full:
        again = f"jobquake replay {finding.folder} {options}"
    yield f"  again: {again}"
    if full:
        yield f"  as it was drawn: {finding.found_as}"
    if finding.folder:
        yield f"  page: {finding.folder}/report.html"


def title(finding: Finding) -> str:
    """What comes of which strikes, in one line."""
    word = "not to be seen in real time" if finding.vanished else finding.outcome
    return f"{word}: {' and '.join(finding.told)}"


def facts(finding: Finding) -> list[str]:
    """How it was found, how small it is, and how often it breaks, a sentence each."""
    said = [f"found by plan {finding.number}, {seconds(finding.after_s)} after the beginning"]
    if finding.first:
        said.append(f"as it was drawn: {finding.first.sentence}")
    if finding.certificate:
        said.append(f"shrunk to {finding.certificate}")
    if finding.rate and finding.again != finding.found_as:
        said.append(f"shrunk: {finding.rate.sentence}")
    if finding.confirmation:
        said.append(f"found in leaping time; {finding.confirmation.sentence}")
    if finding.times > 1:
        said.append(f"seen {finding.times} times")
    return said


def page(seen: Explored) -> str:
    """One self-contained page; every text in it is escaped."""
    how, what, *more = summary(seen)
    return page_of(
        "exploring.html",
        [own_text("sweep.css")],
        seen=seen,
        headline=what,
        summary=[how, *more],
        look="violated" if seen.accused else "held" if seen.proved else "inconclusive",
        titles=[title(finding) for finding in seen.findings],
        facts=[facts(finding) for finding in seen.findings],
        listed=seen.listed[-MOST_LISTED:],
        looks=LOOKS,
    )
