"""The HTML page: one file that can be attached anywhere, verdict and story first, true to
the history, and deaf to hostile names.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections import Counter
from functools import cache
from hashlib import sha256

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jobquake.backends import registry as backends
from jobquake.harness.plan.plan import Plan, Queue
from jobquake.harness.plan.replay import decode
from jobquake.harness.record.duplicates import Duplicates
from jobquake.harness.record.facts import Facts
from jobquake.harness.record.history import PHASES, Event
from jobquake.harness.run import Run, run
from jobquake.harness.shrink.failure import Failure, shrunk_in_sim
from jobquake.harness.shrink.reproduction import Reproduction
from jobquake.reports import html, shown, terminal
from jobquake.reports.duplicates import table, words
from jobquake.reports.html import UNBROKEN, WORDS
from jobquake.reports.offline import Fragment
from jobquake.reports.sequence import sequence
from jobquake.reports.space_time import Diagram, diagram
from jobquake.scenarios import registry as scenarios
from markupsafe import Markup
from msgspec.structs import replace
from support.page import Page
from support.twin_plans import PLANS

KILL = "worker-kill-before-ack"
MINIMAL = ("twin-unbounded", "twin-heartbeat-outlives-job")  # by a plan that shows just that
PHASE_COLUMNS = [*PHASES.values(), "nothing"]
DATA = "application/octet-stream"  # no script: what the timeline shows, packed
MARKED = (Event.FAULT_STRUCK, Event.EFFECT, Event.ACK_ANSWERED, Event.ENQUEUE_ANSWERED)


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
    if case in MINIMAL:
        plan = PLANS[case].plan
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
    packed = rf'<script type="{DATA}" id="jq-tl-data">[\w+/=]*</script>'
    source, places = re.subn(packed, "", page_of(done(case)))
    assert places == 1
    assert not re.search(r"https?:|//[a-z]|@import|url\(|javascript:", source, re.IGNORECASE)
    for tag, attributes, _ in page(case).elements:
        assert tag not in {"link", "img", "iframe", "object", "embed", "base"}
        assert not {"src", "srcset", "data", "action", "xlink:href", "style"} & set(attributes)
        assert (attributes.get("href") or "#").startswith("#"), "links stay on the page"
        assert not [name for name in attributes if name.startswith("on")]


@pytest.mark.parametrize("case", CASES)
def test_its_policy_names_its_own_style_and_script_and_nothing_else(case: str) -> None:
    (policy,) = [
        attributes["content"] or ""
        for _, attributes, _ in page(case).elements
        if attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives["default-src"] == directives["base-uri"] == "'none'"
    for tag in ("script", "style"):
        texts = [
            "".join(texts)
            for name, attributes, texts in page(case).elements
            if name == tag and attributes.get("type") != DATA
        ]
        hashes = [b64encode(sha256(text.encode()).digest()).decode() for text in texts]
        expected = [f"'sha256-{found}'" for found in hashes] or ["'none'"]
        assert directives[f"{tag}-src"].split() == expected


def test_a_fragment_of_others_is_let_through_and_one_that_breaks_out_is_not() -> None:
    this = done("held")
    fragment = Fragment(Markup("<p id='theirs'>here</p>"), "let a = 1;", "#theirs { color: red; }")
    told = Page(html.page(*this[:4], timeline=fragment))
    assert "here" in told.said("p")
    assert told.said("script")[0].endswith("let a = 1;")
    assert told.said("style")[0].endswith("#theirs { color: red; }")
    with pytest.raises(ValueError, match="expected style and script without"):
        html.page(*this[:4], timeline=fragment._replace(script="'</script><b>'"))


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
    word = "As expected" if case == "control" else WORDS[result.verdict]
    assert body[0] == f"{word}: {result.scenario}"
    broken = [check.title for check in result.checks if check.verdict == "violated"]
    what = "The control broke" if case == "control" else "Broken promise"
    assert body[1] == (f"{what}: {broken[0]}" if broken else UNBROKEN[result.verdict])
    assert body[2] == result.sentence
    assert [step for step in told.said("li") if step] == list(result.story)
    if result.verdict == "violated":
        assert (
            body.index("Likely cause") < body.index("What prevents it") < body.index("Guarantees")
        )
    assert body.index("Reproduce it") < body.index("Guarantees") < body.index("The whole plan")


@pytest.mark.parametrize("case", CASES)
def test_every_guarantee_outcome_and_strike_is_there_with_its_number(case: str) -> None:
    result, told = done(case).result, page(case)
    cells = told.said("td")
    assert [title for title in told.said("th") if title in {c.title for c in result.checks}] == [
        check.title for check in result.checks
    ]
    for check in result.checks:
        assert any(cell.startswith(check.note) for cell in cells), check.note
        assert check.verdict in cells
    for outcome, count in result.outcomes.items():
        assert cells[cells.index(outcome) + 1] == str(count)
    for bite in result.bites:
        required = " (required)" if bite.count else " (required, missing)"
        row = cells[cells.index(bite.fault) :][: 3 + len(PHASE_COLUMNS)]
        assert row[3 + PHASE_COLUMNS.index(bite.phase)] == (
            f"{bite.count}{required if bite.required else ''}"
        )
    for kind, counted in result.faults.items():
        assert cells[cells.index(kind) + 1] == str(counted["planned"])
        assert cells[cells.index(kind) + 2] == str(counted["struck"])


@pytest.mark.parametrize("case", CASES)
def test_the_replay_command_is_this_very_plan(case: str) -> None:
    commands = [text for text in page(case).said("pre") if text.startswith("jobquake")]
    command, *others = commands
    shrinks = done(case).result.verdict == "violated" and not done(case).result.control
    assert others == ([command.replace("replay", "shrink", 1)] if shrinks else [])
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
    """The jobs that the page shows, by its own caption."""
    caption = page(case).said("figcaption")[0]
    return [int(number) for number in re.findall(r"\d+", caption.split(";")[0])]


WRONGED = ["flood", "control", "twin-no-lease", "twin-crashes-not-counted"]
WRONGED += ["twin-ack-without-token"]


@pytest.mark.parametrize("case", WRONGED)
def test_the_job_that_the_verdict_is_about_comes_first(case: str) -> None:
    assert wronged(case)[0] == done(case).result.findings[0].job


def titles(case: str) -> list[str]:
    return [title.split("; here")[0] for title in page(case).said("title")]


@pytest.mark.parametrize("case", WRONGED)
def test_the_diagram_shows_each_delivery_of_the_wronged_jobs_once(case: str) -> None:
    jobs, rows = wronged(case), done(case).history.rows
    deliveries = Counter(
        (int(row["job"]), int(row["token"]))
        for row in rows
        if row["event"] == Event.LEASED and row["job"] in jobs
    )
    pattern = r"job (\d+), token (\d+): held from (\S+) s to (\S+) s"
    told = [found for title in titles(case) if (found := re.fullmatch(pattern, title))]
    assert Counter((int(m[1]), int(m[2])) for m in told) == deliveries
    assert all(float(m[3]) <= float(m[4]) for m in told)


@pytest.mark.parametrize("case", WRONGED)
def test_the_diagram_shows_how_long_each_of_them_waited(case: str) -> None:
    waits = [title for title in titles(case) if " waited " in title]
    assert {int(re.findall(r"\d+", wait)[0]) for wait in waits} == set(wronged(case))


@pytest.mark.parametrize("case", WRONGED)
def test_the_diagram_marks_each_fault_effect_ack_and_enqueue_of_those_jobs(case: str) -> None:
    this, jobs = done(case), wronged(case)
    rows = [
        number
        for number, row in enumerate(this.history.rows)
        if row["event"] in MARKED and row["job"] in jobs
    ]
    marks = [mark for mark in drawn(case)[0].marks if mark.row in rows]
    assert sorted(mark.row for mark in marks) == rows
    for mark in marks:
        assert mark.at_s == this.history["t"][mark.row]
        assert titles(case).count(mark.text) == 1


@pytest.mark.parametrize("case", ["twin-no-lease", "twin-ack-without-token"])
def test_a_ring_says_where_the_guarantee_broke(case: str) -> None:
    rings = [title for title in page(case).said("title") if title.endswith("the guarantee broke")]
    first = done(case).result.findings[0]
    assert rings
    if case == "twin-no-lease":
        ended_s = done(case).history["t"].max()
        fate = f"job {first.job}, {ended_s:.3f} s: at the end it is lost"
        assert rings == [f"{fate}; here the guarantee broke"]
    else:
        assert any("its ack was accepted" in ring for ring in rings), "that of the zombie"


@pytest.mark.parametrize("case", [*WRONGED, "held", "network"])
def test_everything_is_drawn_within_its_picture(case: str) -> None:
    width = height = 0.0
    for tag, shape, _ in page(case).elements:
        if tag == "svg":
            width, height = float(shape["width"] or 0), float(shape["height"] or 0)
        elif tag == "rect":
            assert 0 <= float(shape["x"] or -1) <= width - float(shape["width"] or 0)
            assert 0 <= float(shape["y"] or -1) <= height - float(shape["height"] or 0)
        elif tag == "text":
            assert 0 <= float(shape["x"] or -1) <= width
            assert 0 <= float(shape["y"] or -1) <= height


@pytest.mark.parametrize("case", [*WRONGED, "held", "network"])
def test_each_event_has_a_height_of_its_own_in_the_order_of_the_history(case: str) -> None:
    picture, _ = drawn(case)
    placed = sequence(picture, -1).marks
    heights = [one.y for one in placed]
    assert heights == sorted(set(heights))
    times = [one.mark.at_s for one in placed]
    assert times == sorted(times)


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
    assert set(picture.lanes) <= {"w1", "w2", "w3", "w4", "p1", "p2", "queue"}
    assert picture.lanes == tuple(sorted(picture.lanes, key=lambda name: "pqw".index(name[0])))
    for bar in picture.bars:
        if bar.waiting:
            assert picture.lanes[bar.lane] == "queue"
            continue
        leases = this.history.rows[this.history.where(Event.LEASED)]
        of_this = (leases["job"] == bar.job) & np.isclose(leases["t"], bar.start_s)
        (lease,) = leases[of_this]
        assert picture.lanes[bar.lane] == f"w{lease['node'] + 1}"


def test_a_control_is_told_by_its_own_check_and_as_it_counts() -> None:
    def told(control: str) -> list[str]:
        this = done("twin-no-lease")
        result = replace(this.result, control=control)
        page = Page(html.page(result, this.plan, this.claims, this.history))
        return [*page.said("h1"), *page.said("span")[:1]]

    assert told("no_lost_work") == [
        "The control broke: no accepted work is lost", f"As expected: {KILL}",
    ]  # fmt: skip
    assert told("no_phantoms") == [
        "The control did not break: nothing runs that nobody enqueued", f"Inconclusive: {KILL}",
    ]  # fmt: skip


def test_what_turns_text_around_or_is_no_text_is_shown_by_its_escape_or_replaced() -> None:
    this = done("held")
    result = replace(this.result, scenario="left\u202eright\x00\x1b[31m")
    source = html.page(result, this.plan, this.claims, this.history)
    assert "left\\u202eright" in source
    assert not set("\u202e\x00\x1b") & set(source)


def test_of_many_findings_some_are_told_and_how_many_more_there_are() -> None:
    lost = done("twin-ack-before-run").result.findings
    assert len(lost) > 3
    told = " ".join(page("twin-ack-before-run").said("td"))
    assert f"and {len(lost) - 3} more" in told and lost[2].sentence in told
    assert lost[3].sentence not in told


def test_a_finding_about_a_crowd_shows_jobs_of_the_crowd() -> None:
    this = done("twin-unbounded")
    finding = this.result.findings[0]
    assert finding.job < 0
    pointed = set(this.history["job"][list(finding.events)].tolist())
    assert len(wronged("twin-unbounded")) == shown.MOST_JOBS
    assert set(wronged("twin-unbounded")) <= pointed


def test_an_effect_that_the_world_knew_is_told_apart_from_one_that_it_felt() -> None:
    picture, this = drawn("twin-ack-without-token")
    facts = Facts(this.plan, this.claims, this.history)
    known = [mark.row for mark in picture.marks if mark.kind == "absorbed"]
    felt = [mark.job for mark in picture.marks if mark.kind == "effect"]
    assert known and set(known) <= facts.absorbed
    assert len(set(felt)) == len(felt), "each job had its effect once: its key was known then"
    assert "asked for the effect again, which was known" in " ".join(this.result.story)


def test_a_worker_that_ends_with_a_job_in_hand_is_told_unless_a_fault_is_told() -> None:
    picture, this = drawn("twin-heartbeat-outlives-job")
    assert "w1 ended with status 1 while it had the job" in " ".join(this.result.story)
    (mark,) = [mark for mark in picture.marks if mark.kind == "exited"]
    assert Event(this.history["event"][mark.row]) == Event.WORKER_EXITED
    (bar,) = [bar for bar in picture.bars if not bar.waiting]
    assert mark.at_s == bar.end_s
    struck, _ = drawn("twin-no-lease")
    assert not [mark for mark in struck.marks if mark.kind == "exited"]


def test_a_held_run_shows_the_jobs_that_faults_struck() -> None:
    history = done("held").history
    struck = {int(job) for job in history["job"][history.where(Event.FAULT_STRUCK)]}
    assert set(wronged("held")) <= struck
    assert len(wronged("held")) == shown.MOST_JOBS


def test_a_run_without_jobs_has_no_diagram_and_still_a_page() -> None:
    assert not [a for _, a, _ in page("inconclusive").elements if "data-diagram" in a]
    assert page("inconclusive").said("h1") == [UNBROKEN["inconclusive"]]


# -- a failure that was shrunk --------------------------------------------------------------


@cache
def shrunk() -> tuple[Failure, Run]:
    found = done("twin-ack-without-token").result
    twin = backends.find("twin-ack-without-token")
    return shrunk_in_sim(found.replay, "leases_exclusive", twin, "seed 4, shard 1, schedule 2")


def test_a_shrunk_failure_comes_with_its_proof_its_curve_and_its_test() -> None:
    failure, smallest = shrunk()
    failure = replace(failure, reproduction=Reproduction(20, 19, 1))
    told = Page(html.page(*smallest[:4], failure))
    text = " ".join(told.texts)
    assert failure.certificate in text and failure.found in text
    assert failure.reproduction and failure.reproduction.sentence in text
    assert failure.test.strip() in told.said("pre")
    assert failure.curve
    (points,) = [a["points"] for tag, a, _ in told.elements if tag == "polyline"][:1]
    assert len((points or "").split()) == len(failure.curve.moments)
    assert not [t for t in told.said("pre") if "jobquake shrink" in t], "it is shrunk already"


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


@cache
def plain_shape() -> list[tuple[str, tuple[str, ...]]]:
    return Page(page_of(haunted("plain"))).shape


@given(st.text(alphabet="<>&\"'/!-=;#:{}%()[]\\` abcsxgimrlonp0", min_size=1, max_size=60))
@example("</script><img src=x onerror=alert(1)>")
@example("</title></style></pre><svg onload=alert(1)>")
@example("'\"><script>alert(1)</script>")
@example("<!-- --> ]]> {{ 7 * 7 }} {% raw %} &lt; &amp;lt;")
@settings(max_examples=50)
def test_a_hostile_name_stays_text(text: str) -> None:
    spoken = Page(page_of(haunted(text)))
    assert spoken.shape == plain_shape()
    assert spoken.said("strong") == [text.strip()]
    assert spoken.said("li").count(text.strip()) >= len(done("twin-no-lease").result.story)


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
    checks = len(shown.result.checks)
    assert scopes.count("row") == len(found.rows) + checks
    assert scopes.count("col") > len(found.gaps)
    assert len([text for text in texts_of(parsed, "caption") if text]) == 1
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


@pytest.mark.parametrize("name", [KILL, "delayed-jobs"], ids=["never", "caught by one technique"])
def test_a_run_in_which_no_techniques_are_compared_shows_no_such_table(name: str) -> None:
    shown = run(scenarios.find(name).plan(0), backends.find("reference"), "sim")
    assert bool(shown.result.duplicates) == (name != KILL)
    assert not any(texts_of(Page(html.page(*shown[:4])), "caption"))
    screen = terminal.console()
    with screen.capture() as captured:
        terminal.duplicates(shown.result, screen)
    assert captured.get() == ""


def test_a_cell_tells_of_each_piece_of_work_once() -> None:
    assert words(Duplicates("t", "g", works=5, asked_again=4, repeated=1)) == (
        "charged twice 1/5, caught late 3/5, caught 1/5"
    )
    assert words(Duplicates("t", "g", works=2, asked_again=0, repeated=0)) == "caught 2/2"
