"""Readers of a result other than the page: each is valid by the rules of whoever reads it, says
what the result says, and takes what others named for text, however hostile it is.

JUnit is held against a schema and read by a parser of others, JSON against its published schema,
Markdown by a Markdown parser, annotations by the rules by which GitHub's runner reads a log.
Traces are held against the documented Trace Event Format; Perfetto's own trace processor is a
program that has to be downloaded, so it is not asked.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import jobquake
import jsonschema
import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jobquake.backends import registry as backends
from jobquake.harness.plan.replay import decode
from jobquake.harness.record.facts import Facts
from jobquake.harness.record.history import Event
from jobquake.harness.result import Result
from jobquake.harness.run import Run, run
from jobquake.harness.skipped import Skipped
from jobquake.reports import github, markdown, results_json, sketch, space_time
from jobquake.reports.plain import one_line
from jobquake.reports.registry import FORMATS, files_of_all, files_of_one, render
from jobquake.reports.shown import jobs_of
from jobquake.reports.text import picture
from jobquake.scenarios import registry as scenarios
from junitparser import Error, Failure, JUnitXml
from lxml import etree
from markdown_it import MarkdownIt
from msgspec.structs import replace

ROOT = Path(jobquake.__file__).parent
KILL, FLOOD = "worker-kill-before-ack", "slow-job-flood"
HOSTILE = [
    "::error file=a::b",
    "a\n::add-mask::b\r\n##[command]c",
    "\x1b[31m\x00\x07 bell \u2028 \ufffe",
    "</script><img src=x onerror=alert(1)> ]]> &amp; <!-- -->",
    "| cell | `code` **bold** [link](x) ![i](y) @somebody #1 www.example",
    "1. one\n# heading\n```\nfence",
    "%0A::error::x %25 a:b,c=d",
]


@cache
def done(case: str) -> Run:
    """A run of each kind, in the simulator."""
    if case == "control":
        plan = scenarios.find(FLOOD).plan(0, "shared")
        return run(plan, backends.find("reference"), "sim", control="no_starvation")
    if case == "failed control":
        plan = replace(scenarios.find(FLOOD).plan(0, "isolated"))
        return run(plan, backends.find("reference"), "sim", control="no_starvation")
    if case == "prefetch":
        return run(scenarios.find("burst").plan(0), backends.find("twin-prefetch-hoards"), "sim")
    plan = scenarios.find(KILL).plan(0)
    if case == "inconclusive":
        plan = replace(plan, jobs=(), producers=1)
    return run(plan, backends.find(case if "twin" in case else "reference"), "sim")


CASES = ["held", "inconclusive", "control", "failed control", "prefetch", "twin-no-lease"]
CASES += ["twin-crashes-not-counted", "twin-ack-without-token"]
VIOLATED = ["prefetch", "twin-no-lease", "twin-crashes-not-counted", "twin-ack-without-token"]


def everything() -> list[Run]:
    return [done(case) for case in CASES]


def haunted(text: str) -> Run:
    """A violated run in which everything that others may name has this name."""
    this = done("twin-no-lease")
    first, *rest = this.result.checks
    finding = replace(first.findings[0], sentence=text)
    result = replace(
        this.result,
        scenario=text,
        variant=text,
        backend=text,
        sentence=text,
        story=(text,) * 3,
        checks=(replace(first, note=text, findings=(finding, *first.findings[1:])), *rest),
        environment={"platform": text, "jobquake": "0"},
    )
    return this._replace(plan=replace(this.plan, scenario=text), result=result)


def read_as_commands(log: str) -> list[str]:
    """The lines that GitHub's runner takes for commands: by how they begin or what they hold."""
    return [
        line
        for line in re.split(r"[\r\n]+", log)
        if line.lstrip().startswith("::") or "##[" in line
    ]


# -- the registry ---------------------------------------------------------------------------


def test_every_format_has_a_file_of_its_own_and_makes_a_text() -> None:
    assert len({form.file for form in FORMATS.values()}) == len(FORMATS)
    runs = everything()
    assert set(files_of_all(FORMATS, runs)) == {f.file for f in FORMATS.values() if f.shared}
    assert set(files_of_one(FORMATS, runs[0])) == {f.file for f in FORMATS.values() if not f.shared}
    for name in FORMATS:
        assert len(render(name, runs[:1])) > 100


@given(st.text(max_size=60))
@example("::error::x")
@example("a ##[error]b")
@example("\n::x::")
def test_one_line_is_one_line_that_no_log_reader_takes_for_a_command(text: str) -> None:
    plain = one_line(text)
    assert len(plain.splitlines()) <= 1 and plain.isprintable()
    assert read_as_commands(plain) == []
    assert one_line(plain) == plain, "what is plain stays as it is"


# -- JUnit ----------------------------------------------------------------------------------


SCHEMA = Path(__file__).with_name("junit_as_described.xsd")


def junit(runs: list[Run]) -> JUnitXml:
    """The document, held against the schema, as the parser understands it."""
    source = render("junit", runs).encode()
    etree.XMLSchema(etree.parse(SCHEMA)).assertValid(etree.fromstring(source))
    return JUnitXml.fromstring(source)


def test_the_junit_schema_can_refuse() -> None:
    schema = etree.XMLSchema(etree.parse(SCHEMA))
    for wrong in ("<testsuites><testcase/></testsuites>", "<testsuite name='a'/>", "<tests/>"):
        assert not schema.validate(etree.fromstring(wrong))


def test_junit_has_a_suite_for_each_run_and_a_case_for_each_promise() -> None:
    runs = everything()
    suites = list(junit(runs))
    assert len(suites) == len(runs)
    for suite, this in zip(suites, runs, strict=True):
        result = this.result
        told = {prop.name: prop.value for prop in suite.properties()}
        assert decode(told["replay"]).plan == this.plan
        assert told["verdict"] == result.as_expected
        if result.control:
            continue
        for case, check in zip(suite, result.checks, strict=True):
            assert case.name == check.title
            kinds = {"violated": [Failure], "inconclusive": [Error], "held": []}
            assert [type(answer) for answer in case.result] == kinds[check.verdict]


def test_a_suite_passes_in_junit_only_if_its_run_counts_as_held() -> None:
    for suite, this in zip(junit(everything()), everything(), strict=True):
        passed = suite.failures == suite.errors == suite.skipped == 0
        assert passed == (this.result.as_expected == "held"), this.result.sentence
    assert {this.result.as_expected for this in everything()} == {
        "held", "violated", "inconclusive",
    }  # fmt: skip


def test_what_was_not_run_is_skipped_in_junit_and_told_in_the_summary() -> None:
    skipped = [Skipped("reply-lost", "a <b>", "it is reached over no network")]
    texts = files_of_all(["junit", "markdown", "json"], everything()[:1], skipped)
    source = texts["junit.xml"].encode()
    etree.XMLSchema(etree.parse(SCHEMA)).assertValid(etree.fromstring(source))
    suite = list(JUnitXml.fromstring(source))[-1]
    (case,) = suite
    assert (suite.name, suite.skipped, suite.failures) == ("reply-lost on a <b>", 1, 0)
    assert [answer.message for answer in case.result] == ["it is reached over no network"]
    assert "skipped reply-lost on a \\<b\\>\\: it is reached over no network" in texts["summary.md"]


def test_a_suite_says_when_and_where_it_was_run_if_that_is_known() -> None:
    this = done("reference")
    known = this._replace(began="2026-01-02T03:04:05", host="box")
    source = render("junit", [known, this]).encode()
    etree.XMLSchema(etree.parse(SCHEMA)).assertValid(etree.fromstring(source))
    first, second = JUnitXml.fromstring(source)
    assert (first.timestamp, first.hostname) == ("2026-01-02T03:04:05", "box")
    assert (second.timestamp, second.hostname) == (None, None)
    assert first.time == pytest.approx(this.result.duration_s, abs=0.001)


def test_a_failure_in_junit_tells_the_finding_the_story_and_how_to_see_it_again() -> None:
    this = done("twin-no-lease")
    failures = [a for suite in junit([this]) for case in suite for a in case.result]
    (failure,) = [f for f in failures if f.message == this.result.sentence]
    assert all(line in failure.text for line in this.result.story)
    assert f"jobquake replay '{this.result.replay}'" in failure.text


@pytest.mark.parametrize("text", HOSTILE)
def test_junit_takes_a_hostile_name_for_text(text: str) -> None:
    (suite,) = junit([haunted(text)])
    (plain,) = junit([haunted("plain")])
    assert [case.name for case in suite] == [case.name for case in plain]
    shapes = [
        [node.tag for node in etree.fromstring(render("junit", [r]).encode()).iter()]
        for r in (haunted(text), haunted("plain"))
    ]
    assert shapes[0] == shapes[1]


# -- JSON -----------------------------------------------------------------------------------


PUBLISHED = ROOT / "docs" / "result.schema.json"


def test_the_published_schema_is_the_one_that_the_command_makes() -> None:
    assert PUBLISHED.read_text() == results_json.schema(), (
        "make it anew: jobquake schema > docs/result.schema.json"
    )


def test_results_are_valid_by_the_published_schema_and_can_be_read_again() -> None:
    schema = json.loads(PUBLISHED.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    runs = [*everything(), *map(haunted, HOSTILE)]
    text = render("json", runs)
    validator.validate(json.loads(text))
    assert msgspec.json.decode(text, type=list[Result]) == [this.result for this in runs]
    one = json.loads(msgspec.json.encode(runs[0].result))
    validator.validate(one)
    for wrong in ({**one, "verdict": "good"}, {**one, "seed": "7"}, {"verdict": "held"}):
        assert not validator.is_valid(wrong)


# -- Markdown and GitHub --------------------------------------------------------------------


def structure(text: str) -> list[str]:
    """What a Markdown parser makes of the text, without what it says."""
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    tokens = [t for block in parser.parse(text) for t in (block, *(block.children or ()))]
    return [token.type for token in tokens]


def test_markdown_has_a_row_for_each_run_and_a_story_for_each_that_did_not_hold() -> None:
    runs = everything()
    found = Counter(structure(render("markdown", runs)))
    told = [this for this in runs if this.result.as_expected != "held"]
    assert found["heading_open"] == 1 + len(told)
    assert found["fence"] == len(told)
    assert found["tr_open"] == 1 + len(runs) + sum(1 + len(t.result.checks) for t in told)
    assert found["list_item_open"] == sum(len(t.result.story) for t in told)


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_takes_a_hostile_name_for_text(text: str) -> None:
    source = render("markdown", [haunted(text)])
    spans = {"text", "softbreak", "text_special"}
    kinds = [kind for kind in structure(source) if kind not in spans]
    assert kinds == [k for k in structure(render("markdown", [haunted("plain")])) if k not in spans]


@given(st.text(min_size=1, max_size=40))
@example("1) a 2. b - c")
@example("http://x.y www.x.y a@b.c @me #1")
def test_escaped_text_reads_as_it_is(text: str) -> None:
    escaped = markdown.escaped(text)
    (told,) = [
        "".join(child.content for child in token.children or ())
        for token in MarkdownIt().parse(f"a {escaped} b")
        if token.type == "inline"
    ]
    assert told.split() == ["a", *(one_line(text).strip() or "(nothing)").split(), "b"]
    assert not re.search(r"(?<!\\)[@<`|*_]|(?<!\\):(?!\s|$)", escaped)


@pytest.mark.parametrize("room", [1024 * 1024, 4000, 1500, 700, 300, 0, -5])
def test_a_summary_fits_and_says_what_it_leaves_out(room: int) -> None:
    runs = everything() * 40
    text = markdown.render(runs, most_bytes=room)
    assert len(text.encode()) <= max(0, room)
    if not text:
        assert room <= 700
    elif room < 1024 * 1024:
        rows = sum(line.startswith("|") and "---" not in line for line in text.splitlines())
        told = re.search(r"Left out for lack of space: (\d+) of (\d+) rows", text)
        assert told and int(told[2]) == len(runs)
        assert rows - 1 >= int(told[2]) - int(told[1])


def test_a_step_summary_is_added_to_and_never_grows_beyond_what_github_takes(
    tmp_path: Path,
) -> None:
    file = tmp_path / "summary"
    file.write_text("# before\n")
    for _ in range(3):
        github.append_summary([done("twin-no-lease")] * 200, file)
    text = file.read_text()
    assert text.startswith("# before\n## jobquake")
    assert len(text.encode()) <= markdown.JOB_SUMMARY


def test_annotations_are_errors_for_violated_and_warnings_for_inconclusive_runs() -> None:
    runs = everything()
    lines = github.annotations_of(runs, [Path("a/report.html")] * len(runs))
    levels = Counter(line.split(" ")[0] for line in lines)
    verdicts = Counter(this.result.as_expected for this in runs)
    assert levels == {"::error": verdicts["violated"], "::warning": verdicts["inconclusive"]}
    assert all("file=a/report.html,title=" in line for line in lines)


def test_no_more_annotations_of_a_kind_than_github_shows_and_the_last_counts_the_rest() -> None:
    for many in (10, 11, 57):
        lines = github.annotations_of([done("twin-no-lease")] * many, [None] * many)
        assert len(lines) == 10
        counted = re.search(r"::(\d+) more runs are violated$", lines[-1])
        assert (int(counted[1]) if counted else 1) == many - 9


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_name_begins_no_command_on_githubs_log(text: str) -> None:
    this = haunted(text)
    (line,) = github.annotations_of([this], [Path("x")])
    assert len(line.splitlines()) == 1 and line.isprintable()
    found = re.fullmatch(r"::error ([^:]*)::(.*)", line)
    assert found
    command, message = found.groups()
    assert [part.split("=")[0] for part in command.split(",")] == ["file", "title"]
    for code, letter in (("%0A", "\n"), ("%25", "%")):
        message = message.replace(code, letter)
    assert message.splitlines()[0] == one_line(text)
    assert read_as_commands(render("text", [this])) == []


# -- text and sketch ------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES)
def test_text_tells_the_verdict_and_for_what_did_not_hold_the_story(case: str) -> None:
    result, text = done(case).result, render("text", [done(case)])
    assert text.startswith("caught" if case == "control" else result.as_expected)
    if result.as_expected != "held":
        assert result.sentence in text and f"jobquake replay '{result.replay}'" in text
        assert all(line in text for line in result.story)


@pytest.mark.parametrize("case", VIOLATED)
def test_the_sketch_fits_in_80_columns_and_shows_each_strike_and_delivery(case: str) -> None:
    this = done(case)
    lines = picture(this)
    assert lines[-1] == sketch.LEGEND
    assert all(len(line) <= sketch.WIDTH - 4 and line.isascii() for line in lines)
    (job,) = jobs_of(Facts(this.plan, this.claims, this.history), this.result, most=1)
    rows = this.history.rows[this.history["job"] == job]
    workers = {f"w{row['node'] + 1}" for row in rows if row["event"] == Event.LEASED}
    assert workers <= {line.split(" ")[0] for line in lines}
    drawn = Counter("".join(re.sub(r"^\S*", "", line) for line in lines[:-2]))
    struck = sum(row["event"] == Event.FAULT_STRUCK for row in rows)
    assert (drawn["x"] > 0) == (struck > 0)
    assert drawn["E"] + drawn["e"] == sum(row["event"] == Event.EFFECT for row in rows)


def test_a_run_without_a_wronged_job_has_no_sketch() -> None:
    assert picture(done("held")) == picture(done("inconclusive")) == []
    assert sketch.sketch(space_time.Diagram((), (), (), 0.0, 0.0)) == []


def test_bars_that_overlap_get_rows_of_their_own_and_marks_stay_visible() -> None:
    bars = tuple(
        space_time.Bar(0, start, end, 1, "") for start, end in ((0.0, 5.0), (4.0, 9.0), (9.5, 10.0))
    )
    marks = (
        space_time.Mark(0, 5.0, "effect", ""),
        space_time.Mark(0, 5.0, "ack", ""),
        space_time.Mark(0, 9.0, "fault", ""),
    )
    drawn = sketch.sketch(space_time.Diagram(("w1",), bars, marks, 0.0, 10.0), width=44)
    assert drawn[:2] == [
        "w1  [=================EA               [=]",
        "                   [=================x",
    ]


# -- SVG ------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES)
def test_the_svg_is_one_file_that_asks_for_nothing_and_runs_nothing(case: str) -> None:
    source = render("svg", [done(case)])
    root = etree.fromstring(source.encode())
    assert etree.QName(root).localname == "svg"
    for node in root.iter():
        assert etree.QName(node).localname not in {"script", "image", "use", "a", "foreignObject"}
        assert not [name for name in node.attrib if "href" in name or name.startswith("on")]
    assert not re.search(r"url\(|@import|javascript:", source)


@pytest.mark.parametrize("text", HOSTILE)
def test_the_svg_takes_a_hostile_name_for_text(text: str) -> None:
    shapes = [
        [node.tag for node in etree.fromstring(render("svg", [r]).encode()).iter()]
        for r in (haunted(text), haunted("plain"))
    ]
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize("case", VIOLATED)
def test_the_svg_draws_every_bar_within_the_picture(case: str) -> None:
    this = done(case)
    root = etree.fromstring(render("svg", [this]).encode())
    width = float(root.get("width", "0"))
    boxes = [node for node in root.iter() if etree.QName(node).localname == "rect"]
    facts = Facts(this.plan, this.claims, this.history)
    assert len(boxes) == len(space_time.diagram(facts, jobs_of(facts, this.result)).bars)
    assert all(0 <= float(b.get("x", "")) + float(b.get("width", "")) <= width for b in boxes)


# -- the trace ------------------------------------------------------------------------------


def traced(this: Run) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(render("trace", [this]))["traceEvents"]
    return found


@pytest.mark.parametrize("case", CASES)
def test_each_event_of_a_trace_has_what_the_trace_event_format_asks_for(case: str) -> None:
    for event in traced(done(case)):
        assert {"ph", "name", "pid", "tid"} <= set(event)
        if event["ph"] == "M":
            assert event["args"]["name"]
            continue
        assert event["ts"] >= 0 and event["cat"]
        match event["ph"]:
            case "X":
                assert event["dur"] >= 0
            case "b" | "n" | "e" | "s" | "f":
                assert "id" in event
            case "i":
                assert event["s"] in ("g", "t")
            case other:
                pytest.fail(f"no such phase is written: {other}")


@pytest.mark.parametrize("case", CASES)
def test_slices_of_one_thread_do_not_overlap_and_every_thread_has_a_name(case: str) -> None:
    threads: dict[int, list[tuple[float, float]]] = defaultdict(list)
    events = traced(done(case))
    named = {event["tid"] for event in events if event["name"] == "thread_name"}
    for event in events:
        if event["ph"] == "X":
            threads[event["tid"]].append((event["ts"], event["ts"] + event["dur"]))
        if event["ph"] in "Xisf":
            assert event["tid"] in named
    for spans in threads.values():
        spans.sort()
        assert all(end <= start + 1e-3 for (_, end), (start, _) in pairwise(spans))


@pytest.mark.parametrize("case", CASES)
def test_a_trace_shows_each_delivery_job_strike_and_redelivery_once(case: str) -> None:
    this = done(case)
    history, events = this.history, traced(this)
    phases = Counter(event["ph"] for event in events)
    leases = history.rows[history.where(Event.LEASED)]
    handed = {
        (int(r["node"]), int(r["incarnation"]), int(r["job"]), int(r["token"])) for r in leases
    }
    assert phases["X"] == len(handed)
    assert phases["i"] == len(history.where(Event.FAULT_STRUCK))
    jobs = {int(job) for job in history["job"] if 0 <= job < len(this.plan.jobs)}
    assert phases["b"] == phases["e"] == len(jobs)
    per_job = Counter(job for _, _, job, _ in handed)
    assert phases["s"] == phases["f"] == sum(n - 1 for n in per_job.values())


@pytest.mark.parametrize("case", VIOLATED)
def test_flows_and_steps_lie_within_what_they_belong_to(case: str) -> None:
    events = traced(done(case))
    slices = [e for e in events if e["ph"] == "X"]
    for flow in (e for e in events if e["ph"] in "sf"):
        assert [
            s for s in slices
            if s["tid"] == flow["tid"] and s["name"] == flow["name"]
            and s["ts"] <= flow["ts"] <= s["ts"] + s["dur"]
        ]  # fmt: skip
    lives = {e["id"]: [e["ts"]] for e in events if e["ph"] == "b"}
    for event in events:
        if event["ph"] in "ne":
            assert event["ts"] >= lives[event["id"]][0]


def test_a_worker_that_holds_several_jobs_at_once_has_a_thread_for_each() -> None:
    names = [e["args"]["name"] for e in traced(done("prefetch")) if e["name"] == "thread_name"]
    assert any(re.fullmatch(r"w\d+ \(2\)", name) for name in names)
    assert len(names) == len(set(names))


@pytest.mark.parametrize("text", HOSTILE)
def test_a_trace_takes_a_hostile_name_for_text(text: str) -> None:
    assert json.loads(render("trace", [haunted(text)]))["otherData"]["sentence"] == text
