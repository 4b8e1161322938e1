"""The HTML page: one file that can be attached anywhere, verdict and story first, true to
the history, and deaf to hostile names.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from functools import cache
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jobquake.backends import registry as backends
from jobquake.harness.duplicates import Duplicates
from jobquake.harness.facts import Facts
from jobquake.harness.history import Event
from jobquake.harness.plan import Plan, Queue, decode
from jobquake.harness.run import Run, run
from jobquake.reports import html, terminal
from jobquake.reports.duplicates import table, words
from jobquake.reports.space_time import Diagram, diagram
from jobquake.scenarios import registry as scenarios
from msgspec.structs import replace

KILL = "worker-kill-before-ack"
VOID = {"meta", "br"}
SHAPES = {"line", "path", "circle", "rect"}  # in SVG they may close themselves
MARKED = (Event.FAULT_STRUCK, Event.EFFECT, Event.ACK_ANSWERED, Event.ENQUEUE_ANSWERED)
LEGEND = 5


class Page(HTMLParser):
    """A parsed page: its elements with attributes and text, in order, and the body's texts.

    Refuses unbalanced tags.
    """

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None], list[str]]] = []
        self.texts: list[str] = []
        self._open: list[int] = []
        self.feed(source)
        self.close()
        assert not self._open, "every element is closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs), []))
        if tag not in VOID:
            self._open.append(len(self.elements) - 1)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in SHAPES
        self.elements.append((tag, dict(attrs), []))

    def handle_endtag(self, tag: str) -> None:
        assert self.elements[self._open.pop()][0] == tag

    def handle_data(self, data: str) -> None:
        if "body" in [self.elements[index][0] for index in self._open]:
            self.texts.append(data)
        for index in self._open[-1:]:
            self.elements[index][2].append(data)

    @property
    def shape(self) -> list[tuple[str, tuple[str, ...]]]:
        """The elements and the names of their attributes, without what is said in them."""
        return [(tag, tuple(attributes)) for tag, attributes, _ in self.elements]

    def said(self, tag: str) -> list[str]:
        return ["".join(texts).strip() for name, _, texts in self.elements if name == tag]


@cache
def done(case: str) -> Run:
    """A run of each kind, in the simulator."""
    plan = scenarios.find("slow-job-flood").plan(0, "shared")
    if case == "control":
        return run(plan, backends.find("reference"), "sim", control="no_starvation")
    if case == "flood":
        return run(plan, backends.find("twin-lease-too-short"), "sim")
    plan = scenarios.find("network-timeout" if case == "network" else KILL).plan(0)
    if case == "inconclusive":
        plan = replace(plan, jobs=(), producers=1)
    named = case.startswith("twin-")
    return run(plan, backends.find(case if named else "reference"), "sim")


CASES = ["held", "network", "inconclusive", "control", "flood", "twin-no-lease"]
CASES += ["twin-crashes-not-counted", "twin-ack-without-token"]


def page_of(case: Run) -> str:
    return html.page(case.result, case.plan, case.claims, case.history)


@cache
def page(case: str) -> Page:
    return Page(page_of(done(case)))


# -- one file -----------------------------------------------------------------------------


def test_the_cases_are_of_every_verdict() -> None:
    verdicts = {case: done(case).result.verdict for case in CASES}
    assert verdicts["held"] == verdicts["network"] == "held"
    assert verdicts["inconclusive"] == "inconclusive"
    assert {verdicts[case] for case in CASES[3:]} == {"violated"}


@pytest.mark.parametrize("case", CASES)
def test_the_page_needs_nothing_but_itself(case: str) -> None:
    source = page_of(done(case))
    assert not re.search(r"https?:|//[a-z]|@import|url\(|javascript:", source, re.IGNORECASE)
    for tag, attributes, _ in page(case).elements:
        assert tag not in {"script", "link", "img", "iframe", "object", "embed", "base", "form"}
        assert not {"src", "href", "srcset", "data", "action", "xlink:href"} & set(attributes)
        assert not [name for name in attributes if name.startswith("on")]


@pytest.mark.parametrize("case", CASES)
def test_the_page_is_a_document_with_balanced_tags(case: str) -> None:
    assert page_of(done(case)).startswith("<!doctype html>")
    tags = Counter(tag for tag, _, _ in page(case).elements)
    assert tags["html"] == tags["head"] == tags["body"] == tags["h1"] == 1
    assert ("meta", {"charset": "utf-8"}) in [(t, a) for t, a, _ in page(case).elements]


# -- what it says -------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES)
def test_verdict_sentence_and_story_come_first(case: str) -> None:
    result, told = done(case).result, page(case)
    body = [text.strip() for text in told.texts if text.strip()]
    variant = "" if result.variant == "default" else f" ({result.variant})"
    assert body[0] == f"{result.verdict}: {result.scenario}{variant}"
    assert body[1] == result.sentence
    assert told.said("li") == list(result.story)
    if result.story:
        story = body.index("What happened")
        assert story <= 3
        assert body[story + 1 : story + 1 + len(result.story)] == list(result.story)
    assert body.index("Guarantees") < body.index("See it again") < body.index("The whole plan")


@pytest.mark.parametrize("case", CASES)
def test_every_guarantee_outcome_and_strike_is_there_with_its_number(case: str) -> None:
    result, cells = done(case).result, page(case).said("td")
    for check in result.checks:
        place = cells.index(check.title)
        assert cells[place + 1] == check.verdict
        assert cells[place + 2].startswith(check.note)
    for outcome, count in result.outcomes.items():
        assert cells[cells.index(outcome) + 1] == str(count)
    rows = {tuple(cells[i : i + 3]) for i in range(len(cells) - 2)}
    for bite in result.bites:
        required = " (required)" if bite.count else " (required, missing)"
        number = f"{bite.count}{required if bite.required else ''}"
        assert (bite.fault, bite.phase, number) in rows


@pytest.mark.parametrize("case", CASES)
def test_the_replay_command_is_this_very_plan(case: str) -> None:
    (command,) = [text for text in page(case).said("pre") if text.startswith("jobquake")]
    found = re.fullmatch(r"jobquake replay '(jq1:[\w-]+)'", command)
    assert found
    packed = decode(found[1])
    result = done(case).result
    assert packed.plan == done(case).plan
    assert (packed.backend, packed.driver) == (result.backend, result.driver)


@pytest.mark.parametrize("case", CASES)
def test_the_whole_plan_can_be_read_by_machines_too(case: str) -> None:
    (text,) = [text for text in page(case).said("pre") if text.startswith("{")]
    plan = json.loads(text)
    assert len(plan["jobs"]) == len(done(case).plan.jobs)
    assert len(plan["faults"]) == len(done(case).plan.faults)


def test_a_control_is_explained() -> None:
    assert any("control" in text for text in page("control").said("p"))
    assert not any("control" in text for text in page("flood").said("p"))


# -- the diagram --------------------------------------------------------------------------


def wronged(case: str) -> list[int]:
    """The jobs that the diagram must show: those that findings are about, the first few."""
    jobs = [finding.job for finding in done(case).result.findings if finding.job >= 0]
    return list(dict.fromkeys(jobs))[: html.MOST_JOBS]


WRONGED = ["flood", "control", "twin-no-lease", "twin-crashes-not-counted"]
WRONGED += ["twin-ack-without-token"]


@pytest.mark.parametrize("case", WRONGED)
def test_the_diagram_shows_each_delivery_of_the_wronged_jobs_once(case: str) -> None:
    jobs, rows = wronged(case), done(case).history.rows
    assert jobs
    deliveries = Counter(
        (int(row["job"]), int(row["token"]))
        for row in rows
        if row["event"] == Event.LEASED and row["job"] in jobs
    )
    titles = [
        re.fullmatch(r"job (\d+), token (\d+): held from (\S+) s to (\S+) s", title)
        for title in page(case).said("title")
    ]
    bars = Counter((int(m[1]), int(m[2])) for m in titles if m)
    assert bars == deliveries
    assert all(float(m[3]) <= float(m[4]) for m in titles if m)


@pytest.mark.parametrize("case", WRONGED)
def test_the_diagram_shows_how_long_each_of_them_waited(case: str) -> None:
    waits = [title for title in page(case).said("title") if " waited " in title]
    assert {int(re.findall(r"\d+", wait)[0]) for wait in waits} == set(wronged(case))


@pytest.mark.parametrize("case", WRONGED)
def test_the_diagram_marks_each_fault_effect_ack_and_enqueue_of_those_jobs(case: str) -> None:
    jobs, rows = wronged(case), done(case).history.rows
    happened = Counter(
        (int(row["job"]), f"{row['t']:.3f}")
        for row in rows
        if row["event"] in MARKED and row["job"] in jobs
    )
    titles = [
        re.fullmatch(r"job (\d+), (\S+) s: (.*)", title) for title in page(case).said("title")
    ]
    assert Counter((int(m[1]), m[2]) for m in titles if m) == happened
    marks = [a for tag, a, _ in page(case).elements if tag == "g" and a.get("class") == "mark"]
    assert len(marks) == happened.total()
    shapes = [tag for tag, _, _ in page(case).elements if tag in ("path", "circle")]
    assert len(shapes) == happened.total() + LEGEND


@pytest.mark.parametrize("case", [*WRONGED, "held", "network"])
def test_everything_is_drawn_within_the_picture(case: str) -> None:
    (picture,) = [a for tag, a, _ in page(case).elements if tag == "svg"]
    width, height = float(picture["width"] or 0), float(picture["height"] or 0)
    for tag, shape, _ in page(case).elements:
        if tag == "rect":
            assert 70 <= float(shape["x"] or -1) <= width - float(shape["width"] or 0)
            assert 0 <= float(shape["y"] or -1) <= height - float(shape["height"] or 0)
        elif tag == "text":
            assert 0 <= float(shape["x"] or -1) <= width
            assert 0 <= float(shape["y"] or -1) <= height


def drawn(case: str) -> tuple[Diagram, Run]:
    this = done(case)
    return diagram(Facts(this.plan, this.claims, this.history), wronged(case)), this


def test_a_delivery_ends_with_its_worker() -> None:
    picture, this = drawn("twin-no-lease")
    exits = {float(this.history["t"][i]) for i in this.history.where(Event.WORKER_EXITED)}
    deliveries = [bar for bar in picture.bars if not bar.waiting]
    assert deliveries
    assert all(bar.end_s in exits for bar in deliveries), "each of them was killed with its job"


def test_the_lanes_are_the_nodes_by_their_names() -> None:
    picture, this = drawn("twin-no-lease")
    assert set(picture.lanes) <= {"w1", "w2", "w3", "w4", "p1", "p2"}
    for bar in picture.bars:
        if bar.waiting:
            assert picture.lanes[bar.lane].startswith("p")
            continue
        leases = this.history.rows[this.history.where(Event.LEASED)]
        of_this = (leases["job"] == bar.job) & np.isclose(leases["t"], bar.start_s)
        (lease,) = leases[of_this]
        assert picture.lanes[bar.lane] == f"w{lease['node'] + 1}"


def test_a_held_run_shows_the_jobs_that_faults_struck() -> None:
    struck = {int(job) for job in page_jobs("held")}
    history = done("held").history
    assert struck <= {int(job) for job in history["job"][history.where(Event.FAULT_STRUCK)]}
    assert len(struck) == html.MOST_JOBS


def page_jobs(case: str) -> set[str]:
    return set(re.findall(r"job (\d+)", " ".join(page(case).said("title"))))


def test_a_run_without_jobs_has_no_diagram_and_still_a_page() -> None:
    assert not [tag for tag, _, _ in page("inconclusive").elements if tag == "svg"]
    assert page("inconclusive").said("h1") == [f"inconclusive: {KILL}"]


# -- hostile names ------------------------------------------------------------------------


def haunted(text: str) -> Run:
    """A violated run in which everything that others may name has this name."""
    this = done("twin-no-lease")
    plan: Plan = replace(this.plan, scenario=text, queues=(Queue(text),))
    first, *rest = this.result.checks
    finding = replace(first.findings[0], sentence=text)
    result = replace(
        this.result,
        scenario=text,
        variant=text,
        backend=text,
        sentence=text,
        story=(text,) * len(this.result.story),
        checks=(replace(first, note=text, findings=(finding, *first.findings[1:])), *rest),
        environment={"platform": text},
    )
    return this._replace(plan=plan, result=result)


@given(st.text(alphabet="<>&\"'/!-=;#:{}%()[]\\` abcsxgimrlonp0", min_size=1, max_size=60))
@example("</script><img src=x onerror=alert(1)>")
@example("</title></style></pre><svg onload=alert(1)>")
@example("'\"><script>alert(1)</script>")
@example("<!-- --> ]]> {{ 7 * 7 }} {% raw %} &lt; &amp;lt;")
def test_a_hostile_name_stays_text(text: str) -> None:
    spoken = Page(page_of(haunted(text)))
    assert spoken.shape == Page(page_of(haunted("plain"))).shape
    assert spoken.said("strong") == [text.strip()]
    assert set(spoken.said("li")) == {text.strip()}


def test_the_terminal_takes_a_hostile_name_literally() -> None:
    text = "[bold]name[/bold] [/] :boom: {braces}"
    console = terminal.console()
    with console.capture() as caught:
        terminal.summary(haunted(text).result, console)
    told = caught.get()
    assert told.count(text) == 1 + len(done("twin-no-lease").result.story)
    assert "[bold]name" in told.split("guarantee")[1], "in the table, too"
    assert told.isascii(), "no name becomes a picture"


# -- the same work submitted twice ---------------------------------------------------------

DUPLICATES = "duplicate-a-day-later"


def texts_of(page: Page, tag: str) -> list[str]:
    return ["".join(texts) for name, _, texts in page.elements if name == tag]


def test_the_page_and_the_terminal_show_the_same_table_of_duplicates() -> None:
    plan = scenarios.find(DUPLICATES).plan(0, "every-gap")
    shown = run(plan, backends.find("reference"), "sim")
    found = table(shown.result.duplicates)
    parsed = Page(html.page(*shown[:4]))
    scopes = [attributes.get("scope") for tag, attributes, _ in parsed.elements if tag == "th"]
    assert scopes.count("col") == 1 + len(found.gaps) and scopes.count("row") == len(found.rows)
    assert len(texts_of(parsed, "caption")) == 1
    cells = [cell for _, *cells in found.rows for cell in cells]
    told = texts_of(parsed, "td")
    start = told.index(cells[0])
    assert told[start : start + len(cells)] == cells
    screen = terminal.console()
    with screen.capture() as captured:
        terminal.duplicates(shown.result, screen)
    lines = [re.split(r" {2,}", line.strip()) for line in captured.get().splitlines()]
    assert lines[0] == ["submitted again", *found.gaps]
    assert lines[1 : 1 + len(found.rows)] == [list(row) for row in found.rows]


def test_a_run_in_which_nothing_was_submitted_twice_shows_no_such_table() -> None:
    shown = run(scenarios.find(KILL).plan(0), backends.find("reference"), "sim")
    assert not texts_of(Page(html.page(*shown[:4])), "caption")
    screen = terminal.console()
    with screen.capture() as captured:
        terminal.duplicates(shown.result, screen)
    assert captured.get() == ""


def test_a_cell_tells_of_each_piece_of_work_once() -> None:
    assert words(Duplicates("t", "g", works=5, asked_again=4, repeated=1)) == (
        "charged twice 1/5, caught late 3/5, caught 1/5"
    )
    assert words(Duplicates("t", "g", works=2, asked_again=0, repeated=0)) == "caught 2/2"
