"""Many runs in one: the matrix of scenarios and backends, the trend since earlier runs, the
difference of two; and the words of the command line for all of it and for every format.

The pages are self-contained, forbid everything but their own style, and are looked at in a
browser where there is one.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest
from jobquake.backends import registry as backends
from jobquake.harness.plan.replay import encode
from jobquake.harness.result import Result
from jobquake.harness.run import Run, run
from jobquake.harness.run_folder import save
from jobquake.reports import diff, index
from jobquake.reports.index import Earlier, ShownRun
from jobquake.reports.latency import latencies
from jobquake.reports.registry import FORMATS
from jobquake.scenarios import registry as scenarios
from msgspec.structs import replace
from playwright.sync_api import Browser
from support.chromium_here import Scheme, chromium
from support.command import ended

HELD, VIOLATED, USAGE, ENVIRONMENT = 0, 1, 2, 3
KILL, FLOOD, NETWORK = "worker-kill-before-ack", "slow-job-flood", "network-timeout"
SIM = ("--driver", "sim")
HOSTILE = "</style><script>alert(1)</script>\" onload='x' {{ 7 * 7 }} &amp;"


@cache
def done(scenario: str, backend: str = "reference", seed: int = 0) -> Run:
    return run(scenarios.find(scenario).plan(seed), backends.find(backend), "sim")


def told(*results: Result) -> list[ShownRun]:
    return [ShownRun(result, f"{n}/report.html") for n, result in enumerate(results)]


def jobquake(*words: str, within: Path, code: int, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the command in that folder; it must end with that code and without a traceback."""
    here = {k: v for k, v in os.environ.items() if k != "GITHUB_STEP_SUMMARY"} | env
    done = ended(*words, within=within, env=here)
    assert done.returncode == code, done.stdout + done.stderr
    return done


def complaint(*words: str, within: Path, code: int) -> str:
    """The one sentence that the command ends with, having said nothing else."""
    ended = jobquake(*words, within=within, code=code)
    assert ended.stdout == ""
    (line,) = ended.stderr.splitlines()
    assert line.startswith("jobquake: expected ") and " found" in line and "; " in line
    return line


class Elements(HTMLParser):
    """The elements of a page with their attributes, and all that it says."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.said = ""
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.said += data

    @property
    def shape(self) -> list[tuple[str, tuple[str, ...]]]:
        return [(tag, tuple(attributes)) for tag, attributes in self.found]


# -- the matrix -----------------------------------------------------------------------------


def test_the_matrix_has_a_row_for_each_scenario_and_a_cell_for_each_backend() -> None:
    results = [
        done(scenario, backend).result
        for backend in ("reference", "twin-no-lease")
        for scenario in (KILL, NETWORK)
    ]
    rows = index.matrix(told(*results))
    assert [row.name for row in rows] == [KILL, NETWORK]
    cells = [cell for row in rows for cell in row.cells]
    verdicts = [[one.result.as_expected for one in cell] for cell in cells]
    assert verdicts == [["held"], ["violated"], ["held"], ["violated"]]
    assert rows[0].cells[0][0].broken == []
    broken = ["no accepted work is lost", "a job has one holder at a time"]
    assert rows[0].cells[1][0].broken == broken


def test_runs_of_several_seeds_share_a_cell_and_what_was_not_run_is_said() -> None:
    results = [done(KILL).result, done(KILL, seed=1).result, done(NETWORK, "twin-no-lease").result]
    rows = index.matrix(told(*results))
    assert [len(cell) for row in rows for cell in row.cells] == [2, 0, 0, 1]
    page = Elements(index.page(told(*results)))
    assert page.said.count("not run") == 2
    assert [a["href"] for tag, a in page.found if tag == "a"] == [
        f"./{n}/report.html" for n in range(3)
    ]


def test_a_verdict_is_told_in_words_and_a_control_by_what_it_must_show() -> None:
    plan = scenarios.find(FLOOD).plan(0, "shared")
    control = run(plan, backends.find("reference"), "sim", control="no_starvation").result
    assert control.verdict == "violated"
    page = Elements(index.page(told(control, done(KILL, "twin-no-lease").result)))
    assert "1 violated, 1 held" in page.said
    assert "control: no_starvation must be violated" in page.said


# -- the trend ------------------------------------------------------------------------------


def test_a_trend_tells_what_changed_and_keeps_what_it_was() -> None:
    good, bad = done(KILL).result, done(KILL, "twin-no-lease").result
    worse = replace(bad, backend="reference")
    (trend,) = index.trends([worse], [Earlier("monday", [good]), Earlier("tuesday", [])])
    assert [moment.verdict for moment in trend.moments] == ["held", None, "violated"]
    assert trend.change == "was held"
    assert index.trends([good], [Earlier("monday", [good])])[0].change == ""
    assert index.trends([good], [Earlier("monday", [bad])])[0].change == "new"


def test_several_seeds_are_one_moment_the_worst_one() -> None:
    good = done(KILL).result
    worse = replace(done(KILL, "twin-no-lease").result, backend="reference")
    (trend,) = index.trends(
        [replace(good, recovery_s=0.5), replace(worse, recovery_s=2.0)],
        [Earlier("before", [replace(good, recovery_s=1.0)])],
    )
    assert trend.moments == (index.Moment("held", 1.0), index.Moment("violated", 2.0))
    assert re.fullmatch(r"[\d.]+,[\d.]+ [\d.]+,[\d.]+", trend.spark)


# -- the difference -------------------------------------------------------------------------


def rows_of(first: Run, second: Run) -> dict[str, diff.Row]:
    return {row.what: row for part in diff.parts(first, second) for row in part.rows}


def test_a_run_does_not_differ_from_itself() -> None:
    for this in (done(KILL), done(KILL, "twin-no-lease")):
        assert not [row for row in rows_of(this, this).values() if row.differs]


def test_two_runs_differ_in_verdict_outcomes_measures_and_configuration() -> None:
    first, second = done(KILL), done(KILL, "twin-no-lease", seed=1)
    rows = rows_of(first, second)
    assert rows["verdict"][1:] == ("held", "violated")
    assert rows["lost"].first == "0" and rows["lost"].differs
    assert rows["no accepted work is lost"].second.startswith("violated: ")
    assert rows["plan: seed"][1:] == ("0", "1")
    assert rows["plan: jobs"].differs, "as many jobs, but others"
    assert not rows["python"].differs


def test_a_setting_that_differs_is_named_by_its_path() -> None:
    first = done(KILL)
    plan = replace(first.plan, lease_s=7.0, retry=replace(first.plan.retry, factor=3.0))
    changed = first._replace(plan=plan, claims=replace(first.claims, durable=False))
    different = {what: row[1:] for what, row in rows_of(first, changed).items() if row.differs}
    assert different == {
        "plan: lease_s": ("1.0", "7.0"),
        "plan: retry factor": ("2.0", "3.0"),
        "claims durable": ("True", "False"),
    }


def test_latencies_are_read_off_the_history_and_grow_with_their_percentile() -> None:
    this = done(KILL, "twin-no-lease")
    wait, effect = latencies(this)
    assert effect.jobs == this.result.outcomes["done"]
    assert wait.jobs > effect.jobs
    for found in (wait, effect):
        assert list(found.seconds) == sorted(found.seconds)
        assert found.seconds[0] >= 0.0 and found.seconds[-1] <= this.result.duration_s


# -- the pages ------------------------------------------------------------------------------


def pages(text: str) -> dict[str, str]:
    """The page of each kind, with that text wherever others may name something."""
    this = done(KILL, "twin-no-lease")
    result = replace(
        this.result,
        scenario=text,
        backend=text,
        sentence=text,
        environment={"platform": text},
        checks=tuple(replace(c, title=f"{text}{n}") for n, c in enumerate(this.result.checks)),
    )
    named = this._replace(result=result, plan=replace(this.plan, scenario=text))
    earlier = [Earlier(text, [replace(result, verdict="inconclusive")])]
    return {
        "index": index.page([ShownRun(result, f"./{text}/report.html")], earlier),
        "diff": diff.page(named, done(KILL), (text, "other")),
    }


@pytest.mark.parametrize("kind", ["index", "diff"])
def test_a_page_allows_itself_nothing_but_its_own_style(kind: str) -> None:
    source = pages("plain")[kind]
    (style,) = re.findall(r"<style>(.*?)</style>", source, re.DOTALL)
    digest = b64encode(sha256(style.encode()).digest()).decode()
    found = Elements(source).found
    (policy,) = [
        a["content"] or "" for t, a in found if a.get("http-equiv") == "Content-Security-Policy"
    ]
    assert "default-src 'none'" in policy and f"style-src 'sha256-{digest}'" in policy
    for tag, attributes in found:
        assert tag not in {"script", "link", "img", "iframe", "object", "embed", "base", "form"}
        assert "style" not in attributes, "the policy would not let it work"
        assert not [name for name in attributes if name.startswith("on") or name == "src"]
    assert not re.search(r"https?:|@import|url\(|javascript:", source)


@pytest.mark.parametrize("kind", ["index", "diff"])
def test_a_hostile_name_stays_text(kind: str) -> None:
    page = Elements(pages(HOSTILE)[kind])
    assert page.shape == Elements(pages("plain")[kind]).shape
    assert HOSTILE in page.said


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1440])
@pytest.mark.parametrize("kind", ["index", "diff"])
def test_a_page_fits_the_window_and_the_browser_has_nothing_to_complain_of(
    kind: str, width: int, scheme: Scheme, browser: Browser, tmp_path: Path
) -> None:
    (tmp_path / "page.html").write_text(pages("a-name-that-is-as-long-as-names-get " * 3)[kind])
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto((tmp_path / "page.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    ink, paper = (
        page.evaluate(f"getComputedStyle(document.querySelector('{of}')).color")
        for of in ("td", "h1")
    )
    assert ink == paper and ("255" in ink) == (scheme == "dark"), "the reader's own colours"
    assert page.evaluate("getComputedStyle(document.querySelector('table')).borderCollapse") == (
        "collapse"
    ), "the policy lets the style work"
    assert complaints == []
    page.close()


# -- the command line -----------------------------------------------------------------------


def kept(folder: Path, scenario: str, backend: str = "reference") -> Path:
    """A run folder."""
    place = folder / f"{scenario}-{backend}"
    save(done(scenario, backend), place)
    return place


def test_several_backends_make_a_matrix_and_the_exit_code_is_that_of_the_worst(
    tmp_path: Path,
) -> None:
    words = ("--backend", "reference", "--backend", "twin-no-lease", "--report", "out")
    ended = jobquake("run", KILL, NETWORK, *SIM, *words, "--json", within=tmp_path, code=VIOLATED)
    assert len(json.loads(ended.stdout)) == 4
    page = Elements((tmp_path / "out" / "index.html").read_text())
    links = [a["href"] or "" for tag, a in page.found if tag == "a"]
    assert len(links) == 4
    assert all((tmp_path / "out" / link).is_file() for link in links)


def test_every_format_is_written_beside_the_page_or_above_the_run_folders(tmp_path: Path) -> None:
    words = [word for name in FORMATS for word in ("--format", name)]
    jobquake("run", KILL, *SIM, *words, "--report", "out", within=tmp_path, code=HELD)
    shared = {form.file for form in FORMATS.values() if form.shared}
    own = {form.file for form in FORMATS.values() if not form.shared}
    (folder,) = [entry for entry in (tmp_path / "out").iterdir() if entry.is_dir()]
    assert {e.name for e in (tmp_path / "out").iterdir()} == shared | {folder.name}
    assert own <= {entry.name for entry in folder.iterdir()}
    assert not [*tmp_path.rglob("*.partial")]


def test_kept_runs_are_told_in_any_format_later(tmp_path: Path) -> None:
    runs = [str(kept(tmp_path, KILL)), str(kept(tmp_path, KILL, "twin-no-lease"))]
    text = jobquake("report", *runs, within=tmp_path, code=HELD).stdout
    assert re.search(r"^held .*\n", text) and "\nviolated " in text
    told = jobquake("report", *runs, "--format", "json", within=tmp_path, code=HELD).stdout
    assert msgspec.json.decode(told, type=list[Result]) == [
        done(KILL).result, done(KILL, "twin-no-lease").result,
    ]  # fmt: skip
    words = ("--format", "html", "--format", "junit", "--out", "out")
    jobquake("report", *runs, *words, within=tmp_path, code=HELD)
    names = {f.relative_to(tmp_path / "out").as_posix() for f in (tmp_path / "out").rglob("*.*")}
    assert names == {
        "index.html", "junit.xml", f"{KILL}-reference/report.html",
        f"{KILL}-twin-no-lease/report.html",
    }  # fmt: skip


def test_runs_of_the_same_name_from_two_places_do_not_overwrite_each_other(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    runs = [str(kept(tmp_path / place, KILL)) for place in "ab"]
    words = ("--format", "svg", "--out", "out")
    jobquake("report", *runs, *words, within=tmp_path, code=HELD)
    assert len([*(tmp_path / "out").glob("*/space-time.svg")]) == 2
    assert Elements((tmp_path / "out" / "index.html").read_text()).said.count("held") >= 2


def test_earlier_runs_make_a_trend_even_if_they_are_replaced_by_these(tmp_path: Path) -> None:
    words = ("run", KILL, *SIM, "--report", "out")
    jobquake(*words, within=tmp_path, code=HELD)
    jobquake(*words, "--earlier", "out", within=tmp_path, code=HELD)
    page = (tmp_path / "out" / "index.html").read_text()
    assert "Trend since earlier runs" in page and '<th scope="col">out</th>' in page


def test_two_kept_runs_are_compared_on_the_terminal_and_as_a_page(tmp_path: Path) -> None:
    runs = [str(kept(tmp_path, KILL)), str(kept(tmp_path, KILL, "twin-no-lease"))]
    ended = jobquake("diff", *runs, "--html", "x/diff.html", within=tmp_path, code=HELD)
    assert re.search(r"\* +verdict +held +violated", ended.stdout)
    assert re.search(r"  +driver +sim +sim", ended.stdout)
    assert "Two runs side by side" in (tmp_path / "x" / "diff.html").read_text()


def test_on_github_the_summary_is_appended_and_annotations_are_printed(tmp_path: Path) -> None:
    words = ("run", KILL, *SIM, "--backend", "twin-no-lease", "--format", "github")
    summary = tmp_path / "summary"
    summary.write_text("before\n")
    env = {"GITHUB_STEP_SUMMARY": str(summary)}
    ended = jobquake(*words, within=tmp_path, code=VIOLATED, **env)
    assert summary.read_text().startswith("before\n## jobquake: 1 violated")
    (line,) = [line for line in ended.stdout.splitlines() if line.startswith("::")]
    assert line.startswith(f"::error file=jobquake-runs/{KILL}-default-twin-no-lease-sim-0/report")
    ended = jobquake(*words, "--json", within=tmp_path, code=VIOLATED, **env)
    assert json.loads(ended.stdout) and "::error " in ended.stderr


def test_a_strangers_replay_string_gives_github_no_command(tmp_path: Path) -> None:
    hostile = "x\n::add-mask::y\r##[command]z"
    plan = replace(scenarios.find(KILL).plan(0), scenario=hostile, variant=hostile)
    for backend, code in (("twin-no-lease", VIOLATED), (hostile, USAGE)):
        words = ("replay", encode(plan, backend, "sim"), "--format", "github")
        env = {"GITHUB_STEP_SUMMARY": str(tmp_path / "summary")}
        ended = jobquake(*words, within=tmp_path, code=code, **env)
        log = re.split(r"[\r\n]+", ended.stdout + ended.stderr)
        commands = [x for x in log if x.lstrip().startswith("::") or "##[" in x]
        assert [c.split(" ")[0] for c in commands] == ["::error"] * (code == VIOLATED)


def test_what_cannot_be_done_is_said_in_one_sentence_before_anything_is_run(
    tmp_path: Path,
) -> None:
    one, two = (str(kept(tmp_path / "kept", name)) for name in (KILL, NETWORK))
    (tmp_path / "file").write_text("")
    for words in (
        ("run", KILL, *SIM, "--format", "github"),
        ("run", KILL, *SIM, "--earlier", "nowhere"),
        ("run", KILL, *SIM, "--format", "junit", "--report", "page.html"),
        ("report", "nowhere"),
        ("report", one, two, "--format", "trace"),
        ("report", one, "--format", "junit", "--format", "json"),
        ("diff", one, "nowhere"),
    ):
        complaint(*words, within=tmp_path, code=USAGE)
    assert not (tmp_path / "jobquake-runs").exists()
    for words in (
        ("report", one, "--format", "junit", "--out", "file"),
        ("diff", one, two, "--html", "file/diff.html"),
    ):
        ended = jobquake(*words, within=tmp_path, code=ENVIRONMENT)
        (line,) = ended.stderr.splitlines()
        assert line.startswith("jobquake: expected to write ")
    Path(one, "result.json").write_text("{}")
    assert "damaged" in complaint("report", one, within=tmp_path, code=ENVIRONMENT)
    complaint("run", KILL, *SIM, "--earlier", "kept", within=tmp_path, code=ENVIRONMENT)
    ended = jobquake("run", KILL, "--format", "pdf", within=tmp_path, code=USAGE)
    assert "'pdf' is not one of" in ended.stderr


@pytest.mark.parametrize(
    ("other", "code", "worst"),
    [("reference", ENVIRONMENT, "held"), ("twin-no-lease", VIOLATED, "violated")],
)
def test_a_backend_that_is_not_there_takes_nothing_from_the_others(
    other: str, code: int, worst: str, tmp_path: Path
) -> None:
    words = ("run", KILL, *SIM, "--backend", "reference-redis", "--backend", other)
    away = "redis://127.0.0.1:1/0"
    ended = jobquake(*words, within=tmp_path, code=code, JOBQUAKE_REDIS=away)
    assert ended.stdout.startswith(worst)
    (line,) = ended.stderr.splitlines()
    assert line.startswith("jobquake: reference-redis: expected ")
    told = (tmp_path / "jobquake-runs" / "index.html").read_text()
    assert "Not run: reference-redis." in told and f"1 {worst}" in told
