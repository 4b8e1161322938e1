"""The timeline, opened from its file in a real browser: what it shows is what happened."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Unpack

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from jobquake.backends import registry as backends
from jobquake.harness.plan.plan import Queue
from jobquake.harness.record.facts import Facts
from jobquake.harness.record.history import Event, History
from jobquake.harness.result import Result
from jobquake.harness.run import Run, run
from jobquake.harness.run_folder import save
from jobquake.reports.timeline import fragment, timeline_page
from jobquake.scenarios import registry as scenarios
from msgspec.structs import replace
from playwright.sync_api import Browser, Page
from support.chromium_here import Options, Scheme, chromium
from support.command import ended

HOSTILE = "</script><img src=x onerror=\"document.title='owned'\">"
CANVAS, READY = "#jq-tl-canvas", "#jq-tl-all[data-ready]"


@cache
def violated() -> Run:
    """Twelve lost jobs, kills, pauses."""
    plan = scenarios.find("worker-kill-before-ack").plan(0)
    return run(plan, backends.find("twin-ack-before-run"), "sim")


@cache
def isolated() -> Run:
    """Two queues, one with a hostile name."""
    plan = scenarios.find("slow-job-flood").plan(0, "isolated")
    names = {queue.name: queue.name for queue in plan.queues}
    names[plan.queues[0].name] = HOSTILE
    queues = tuple(replace(queue, name=names[queue.name]) for queue in plan.queues)
    pools = tuple(
        replace(pool, queues=tuple(names[name] for name in pool.queues)) for pool in plan.pools
    )
    return run(replace(plan, queues=queues, pools=pools), backends.find("reference"), "sim")


def page_of(done: Run, most: int = 1_000_000) -> str:
    return timeline_page(done.result, Facts(done.plan, done.claims, done.history), most)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


class Opened:
    """A page in a tab, and what went wrong in it."""

    def __init__(self, browser: Browser, file: Path, html: str, **options: Unpack[Options]) -> None:
        file.write_text(html, encoding="utf-8")
        self.context = browser.new_context(**options)
        self.tab: Page = self.context.new_page()
        self.problems: list[str] = []
        self.requests: list[str] = []
        self.tab.on("console", lambda message: self.problems.append(message.text))
        self.tab.on("pageerror", lambda error: self.problems.append(str(error)))
        self.tab.on("request", lambda request: self.requests.append(request.url))
        self.url = file.as_uri()
        self.tab.goto(self.url)
        if options.get("java_script_enabled", True):
            self.tab.wait_for_selector(READY)

    def text(self, name: str) -> str:
        return self.tab.inner_text(f"#jq-tl-{name}")

    def press(self, *keys: str) -> None:
        for key in keys:
            self.tab.locator(CANVAS).press(key)
        self.frame()

    def frame(self) -> None:
        """Until what was asked for is drawn."""
        self.tab.evaluate("() => new Promise((done) => requestAnimationFrame(() => done()))")

    @property
    def view(self) -> tuple[float, float]:
        self.frame()
        data = self.tab.locator(CANVAS).evaluate("(c) => [c.dataset.from, c.dataset.to]")
        return float(data[0]), float(data[1])

    @property
    def shown(self) -> int:
        """How many events pass, by the caption of the table."""
        found = re.search(r"([\d,]+) that pass", self.text("caption"))
        assert found
        return int(found[1].replace(",", ""))

    def rows(self) -> list[list[str]]:
        found: list[list[str]] = self.tab.locator("#jq-tl-rows tr").evaluate_all(
            "(rows) => rows.map((row) => [...row.cells].map((cell) => cell.textContent))"
        )
        return found

    def where_is(self, t: float, node: int, of: int) -> tuple[float, float]:
        """The pixel of a time in a lane, as the axis tells."""
        box = self.tab.locator(CANVAS).bounding_box()
        assert box
        start, end = self.view
        x = 92 + (t - start) / (end - start) * (box["width"] - 92 - 8)
        height = (box["height"] - 30) / of
        return x, 26 + (node + 0.5) * height


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Opened]:
    page = Opened(browser, tmp_path / "page.html", page_of(violated()))
    yield page
    page.context.close()


# -- the file -----------------------------------------------------------------------------


def test_it_opens_from_its_file_without_a_complaint_and_nothing_leaves_it(opened: Opened) -> None:
    opened.press("n", "n", "+", "ArrowRight", "p", "0")
    assert opened.requests == [opened.url]
    assert opened.problems == []


def test_script_and_style_are_one_block_each_that_can_be_hashed_and_holds_no_names() -> None:
    done = isolated()
    part = fragment(Facts(done.plan, done.claims, done.history), done.result)
    for forbidden in ("innerHTML", "eval(", "document.write", "</script", "fetch(", "http"):
        assert forbidden not in part.script
    assert not re.search(r"\s(style|on\w+)=", part.html)
    assert HOSTILE not in part.html and "onerror" not in part.html + part.script


def test_hostile_names_are_text_in_the_filter_and_in_the_table(
    browser: Browser, tmp_path: Path
) -> None:
    page = Opened(browser, tmp_path / "page.html", page_of(isolated()))
    assert page.tab.locator("img").count() == 0
    assert HOSTILE in page.tab.locator("#jq-tl-queue option").all_inner_texts()
    page.tab.select_option("#jq-tl-queue", label=HOSTILE)
    assert HOSTILE in {row[6] for row in page.rows()}
    assert "owned" not in page.tab.title() and page.problems == []
    page.context.close()


def test_without_javascript_it_says_what_is_missing_and_where_the_events_are(
    browser: Browser, tmp_path: Path
) -> None:
    page = Opened(browser, tmp_path / "page.html", page_of(violated()), java_script_enabled=False)
    told = page.text("missing")
    assert f"{len(violated().history)} events" in told
    assert "history.npy" in told and "ledger.jsonl" in told
    assert not page.tab.is_visible(CANVAS)
    page.context.close()


# -- what it shows ------------------------------------------------------------------------


def test_every_count_that_is_shown_is_that_of_the_history(opened: Opened) -> None:
    done = violated()
    counts = opened.text("counts")
    assert f"{len(done.history)} events on 7 nodes" in counts
    assert "28 done, 12 lost" in counts and "findings: 12" in counts
    assert f"faults that struck: {len(done.history.where(Event.FAULT_STRUCK))}" in counts
    opened.tab.click("summary")
    kinds = opened.tab.locator("#jq-tl-kinds label").all_inner_texts()
    assert sum(int(kind.rsplit(": ", 1)[1]) for kind in kinds) == len(done.history)
    assert f"leased: {len(done.history.where(Event.LEASED))}" in kinds


def test_the_table_holds_the_history_row_by_row(opened: Opened) -> None:
    history = violated().history
    seen: list[list[str]] = []
    while len(seen) < len(history):
        seen += opened.rows()
        opened.tab.click("[data-page=on]")
    assert [int(row[0]) for row in seen] == list(range(1, len(history) + 1))
    np.testing.assert_allclose([float(row[1]) for row in seen], history["t"], atol=1e-6)
    jobs = [int(row[5]) if row[5] else -1 for row in seen]
    assert jobs == history["job"].tolist()
    finding = violated().result.findings[0]
    title = "finding: no accepted work is lost"
    for i in finding.events:
        assert title in seen[i][9] and finding.sentence not in seen[i][9], "a table is narrow"
    assert [int(row[7] or 0) for row in seen] == history["token"].tolist()


def test_a_history_written_out_of_order_is_shown_in_order_of_time_with_its_own_row_numbers(
    browser: Browser, tmp_path: Path
) -> None:
    done = violated()
    mixed = np.random.default_rng(1).permutation(len(done.history))
    history = History(done.history.rows[mixed].copy())
    told = replace(done.result, checks=())
    html = timeline_page(told, Facts(done.plan, done.claims, history))
    page = Opened(browser, tmp_path / "page.html", html)
    rows = page.rows()
    expected = np.argsort(history["t"], kind="stable")[: len(rows)] + 1
    assert [int(row[0]) for row in rows] == expected.tolist()
    page.context.close()


# -- moving about -------------------------------------------------------------------------


def test_keys_zoom_pan_and_go_to_the_ends(opened: Opened) -> None:
    whole = opened.view
    opened.press("+")
    near = opened.view
    assert whole[0] < near[0] < near[1] < whole[1]
    opened.press("ArrowRight")
    assert opened.view[0] > near[0]
    assert opened.view[1] - opened.view[0] == pytest.approx(near[1] - near[0])
    opened.press("Home")
    assert opened.view[0] == pytest.approx(whole[0])
    opened.press("End")
    assert opened.view[1] == pytest.approx(whole[1])
    opened.press("-", "-")
    assert opened.view == pytest.approx(whole)


def test_buttons_the_wheel_and_a_drag_do_what_the_keys_do(opened: Opened) -> None:
    whole = opened.view
    opened.tab.click("[data-do=in]")
    near = opened.view
    assert near[1] - near[0] < whole[1] - whole[0]
    box = opened.tab.locator(CANVAS).bounding_box()
    assert box
    opened.tab.mouse.move(box["x"] + 600, box["y"] + 100)
    opened.tab.mouse.down()
    opened.tab.mouse.move(box["x"] + 500, box["y"] + 100, steps=4)
    opened.tab.mouse.up()
    assert opened.view[0] > near[0]
    opened.tab.keyboard.down("Control")
    opened.tab.mouse.wheel(0, -300)
    opened.tab.wait_for_function(
        "(span) => { const { from, to } = document.querySelector('#jq-tl-canvas').dataset;"
        " return to - from < span; }",
        arg=(near[1] - near[0]) * 0.99,
    )
    opened.tab.keyboard.up("Control")


def test_n_and_p_go_from_fault_to_finding_in_order_of_time(opened: Opened) -> None:
    done = violated()
    strikes = done.history.where(Event.FAULT_STRUCK).tolist()
    firsts = [min(f.events) for check in done.result.checks for f in check.findings]
    expected = sorted({*strikes, *firsts})
    seen = []
    for _ in expected:
        opened.press("n")
        seen.append(int(opened.text("selected").split(",")[0].removeprefix("Row ")) - 1)
    assert seen == expected
    opened.press("n")
    assert opened.text("selected") == "There is no later fault or finding."
    opened.press("p")
    assert opened.text("selected").startswith(f"Row {expected[-2] + 1},")


def test_the_tab_key_goes_through_the_controls_and_into_the_canvas_and_the_table(
    opened: Opened,
) -> None:
    names = []
    for _ in range(19):
        opened.tab.keyboard.press("Tab")
        names.append(
            opened.tab.evaluate(
                "() => { const at = document.activeElement;"
                " return at.id || at.dataset.do || at.dataset.page || at.textContent }"
            )
        )
    assert names[:5] == ["jq-tl-job", "Find", "jq-tl-lane", "jq-tl-queue", "jq-tl-outcome"]
    assert names[6:13] == ["whole", "in", "out", "left", "right", "previous", "next"]
    one_row = "1"  # the arrows go to the others
    assert names[13:] == ["jq-tl-canvas", one_row, "first", "back", "on", "last"]
    outline = opened.tab.locator(CANVAS).evaluate(
        "(c) => { c.focus(); return getComputedStyle(c).outlineStyle }"
    )
    assert outline != "none", "focus is visible"


# -- selection, search, filters -----------------------------------------------------------


def test_a_click_on_a_mark_selects_its_row_and_a_row_selects_its_mark(opened: Opened) -> None:
    history = violated().history
    started = history.where(Event.WORKER_STARTED)
    row = next(i for i in history.where(Event.FAULT_STRUCK).tolist() if history["node"][i] == 0)
    x, y = opened.where_is(float(history["t"][row]), 2, of=7)  # two producers come first
    opened.tab.click(CANVAS, position={"x": x, "y": y})
    current = opened.tab.locator("#jq-tl-rows tr[aria-current]")
    assert current.locator("button").inner_text() == str(row + 1)
    assert "fault struck" in opened.text("selected")
    opened.tab.click("[data-page=first]")
    first = int(started[0]) + 1
    opened.tab.click(f"#jq-tl-rows button:text-is('{first}')")
    assert opened.text("selected").startswith(f"Row {first},")
    assert current.locator("button").inner_text() == str(first)


def test_a_row_of_a_finding_tells_its_sentence_when_it_is_selected(opened: Opened) -> None:
    finding = violated().result.findings[0]
    opened.tab.fill("#jq-tl-job", str(finding.job))
    opened.tab.keyboard.press("Enter")
    opened.tab.click(f"#jq-tl-rows button:text-is('{finding.events[0] + 1}')")
    assert finding.sentence in opened.text("selected")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser: Browser, tmp_path: Path, scheme: Scheme) -> None:
    # The checker is a script of its own, which the page's policy would rightly refuse.
    page = Opened(
        browser,
        tmp_path / "page.html",
        page_of(violated()),
        color_scheme=scheme,
        bypass_csp=True,
    )
    violations = Axe().run(page.tab).response["violations"]
    serious = [v["id"] for v in violations if v["impact"] in ("serious", "critical")]
    assert serious == []
    page.context.close()


def test_a_row_out_of_view_is_brought_into_view_when_it_is_selected(opened: Opened) -> None:
    opened.press("Home", *["+"] * 8, "Home")
    opened.tab.click("[data-page=last]")
    opened.tab.locator("#jq-tl-rows button").last.click()
    start, end = opened.view
    assert start <= violated().history["t"].max() <= end


def test_arrow_keys_in_the_table_select_row_after_row_across_pages(opened: Opened) -> None:
    opened.tab.locator("#jq-tl-rows button").last.click()
    opened.tab.keyboard.press("ArrowDown")
    assert opened.text("selected").startswith("Row 21,")
    assert opened.tab.evaluate("() => document.activeElement.textContent") == "21"
    opened.tab.keyboard.press("ArrowUp")
    assert opened.text("selected").startswith("Row 20,")


def test_a_job_is_found_by_its_number_and_only_its_events_are_listed(opened: Opened) -> None:
    done = violated()
    lost = next(check.findings[0].job for check in done.result.checks if check.findings)
    opened.tab.fill("#jq-tl-job", f"job-{lost}")
    opened.tab.keyboard.press("Enter")
    times = done.history["t"][done.history.of_job(lost)]
    assert opened.shown == len(times)
    start, end = opened.view
    assert start <= times.min() and times.max() <= end
    assert {row[5] for row in opened.rows()} == {str(lost)}
    assert {row[8] for row in opened.rows()} == {"lost"}
    opened.tab.fill("#jq-tl-job", "40404")
    opened.tab.keyboard.press("Enter")
    assert opened.text("selected") == (
        "Expected the number of a job, found 40404: there is no such job."
    )
    opened.press("Escape")
    assert opened.shown == len(done.history)


def test_filters_by_node_outcome_and_kind_leave_what_the_history_has_of_them(
    opened: Opened,
) -> None:
    done = violated()
    history, facts = done.history, Facts(done.plan, done.claims, done.history)
    opened.tab.select_option("#jq-tl-lane", label="w2")
    assert opened.shown == np.count_nonzero(history["node"] == 1)
    opened.tab.select_option("#jq-tl-lane", label="all")
    opened.tab.select_option("#jq-tl-outcome", label="lost")
    lost = np.flatnonzero(facts.lost)
    nobody = np.count_nonzero(history["job"][history.where(Event.FAULT_STRUCK)] < 0)
    assert opened.shown == np.count_nonzero(np.isin(history["job"], lost)) + nobody
    opened.tab.select_option("#jq-tl-outcome", label="all")
    opened.tab.click("summary")
    opened.tab.uncheck(f"#jq-tl-kinds input[value='{int(Event.LEASED)}']")
    assert opened.shown == len(history) - len(history.where(Event.LEASED))


def test_the_filter_by_queue_leaves_the_jobs_of_that_queue(
    browser: Browser, tmp_path: Path
) -> None:
    done = isolated()
    page = Opened(browser, tmp_path / "page.html", page_of(done))
    page.tab.select_option("#jq-tl-queue", label=HOSTILE)
    jobs = [i for i, job in enumerate(done.plan.jobs) if job.queue == 0]
    nobody = np.count_nonzero(done.history["job"][done.history.where(Event.FAULT_STRUCK)] < 0)
    assert page.shown == np.count_nonzero(np.isin(done.history["job"], jobs)) + nobody
    page.context.close()


# -- looks --------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [360, 768, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_the_screen_and_the_canvas_has_the_colours_of_the_scheme(
    browser: Browser, tmp_path: Path, width: int, scheme: Scheme
) -> None:
    page = Opened(
        browser,
        tmp_path / "page.html",
        page_of(violated()),
        viewport={"width": width, "height": 800},
        color_scheme=scheme,
    )
    page.tab.click("summary")
    assert page.tab.evaluate("() => document.documentElement.scrollWidth") <= width
    corner = page.tab.locator(CANVAS).evaluate(
        "(c) => [...c.getContext('2d').getImageData(1, 1, 1, 1).data].slice(0, 3)"
    )
    assert (max(corner) < 60) == (scheme == "dark")
    page.context.close()


# -- many events --------------------------------------------------------------------------


def many(events: int) -> tuple[Facts, Result]:
    """A long run, made as the benchmark makes it."""
    benchmarks = Path(__file__).parents[2] / "benchmarks"
    sys.path.insert(0, str(benchmarks))
    try:
        from report_size import tiled
    finally:
        sys.path.remove(str(benchmarks))
    return tiled(events, jobs=400 if events < 100_000 else 4_000)


def test_a_million_events_fit_into_two_million_bytes_and_open(
    browser: Browser, tmp_path: Path
) -> None:
    facts, result = many(1_000_000)
    page = Opened(browser, tmp_path / "page.html", timeline_page(result, facts))
    assert (tmp_path / "page.html").stat().st_size <= 2_000_000
    assert "1,000,000 events" in page.text("counts") and page.shown == 1_000_000
    page.press("n", "+", "+", "ArrowRight", "End")
    assert page.problems == []
    page.context.close()


def test_a_sample_says_so_and_holds_every_fault_and_every_finding(
    browser: Browser, tmp_path: Path
) -> None:
    facts, result = many(30_000)
    strikes = facts.history.where(Event.FAULT_STRUCK)
    findings = [finding for check in result.checks for finding in check.findings]
    assert len(strikes) > 10 and len(findings) > 10, "else it shows nothing"
    page = Opened(browser, tmp_path / "page.html", timeline_page(result, facts, most=15_000))
    told = page.text("counts")
    assert f"30,000 events on {15} nodes" in told and "This is a sample" in told
    assert f"faults that struck: {len(strikes)}" in told.replace(",", "")
    assert f"findings: {len(findings)}" in told
    assert len(findings) * 5 < page.shown <= 15_000
    page.tab.select_option("#jq-tl-outcome", label="lost")
    lost = np.isin(facts.history["job"], np.flatnonzero(facts.lost))
    nobody = np.count_nonzero(facts.history["job"][strikes] < 0)
    assert page.shown == np.count_nonzero(lost) + nobody, "whole lives of the wronged"
    page.tab.select_option("#jq-tl-outcome", label="all")
    page.tab.click("summary")
    for kind in set(Event) - {Event.FAULT_STRUCK}:
        box = page.tab.locator(f"#jq-tl-kinds input[value='{int(kind)}']")
        if box.count():
            box.uncheck()
    assert page.shown == len(strikes)
    page.context.close()


def test_more_faults_than_the_bound_are_all_kept() -> None:
    facts, result = many(30_000)
    html = timeline_page(result, facts, most=10)
    kept = re.search(r"timeline of ([\d,]+) events", html)
    assert kept and int(kept[1].replace(",", "")) > len(facts.history.where(Event.FAULT_STRUCK))


# -- the command --------------------------------------------------------------------------


def jobquake(*words: str, at: Path) -> subprocess.CompletedProcess[str]:
    return ended("timeline", *words, within=at)


def test_the_command_makes_the_page_of_a_run_folder_there_or_where_it_is_told(
    tmp_path: Path,
) -> None:
    save(violated(), tmp_path / "run")
    done = jobquake("run", at=tmp_path)
    assert (done.returncode, done.stdout.strip()) == (0, str(Path("run", "timeline.html")))
    assert (tmp_path / "run" / "timeline.html").read_text() == page_of(violated())
    assert jobquake("run", "--out", "here.html", at=tmp_path).returncode == 0
    assert (tmp_path / "here.html").exists()


def test_the_command_says_in_one_sentence_what_is_not_a_run_folder(tmp_path: Path) -> None:
    done = jobquake("nowhere", at=tmp_path)
    assert done.returncode == 2 and done.stderr.startswith("jobquake: expected a run folder")
    assert done.stderr.count("\n") == 1
    save(violated(), tmp_path / "run")
    (tmp_path / "run" / "history.npy").write_bytes(b"")
    assert jobquake("run", at=tmp_path).returncode == 3


# -- no job, no event ---------------------------------------------------------------------


def test_an_empty_history_is_a_page_too(browser: Browser, tmp_path: Path) -> None:
    done = violated()
    plan = replace(done.plan, jobs=(), faults=(), queues=(Queue("none"),))
    facts = Facts(plan, done.claims, History([]))
    html = timeline_page(replace(done.result, checks=()), facts)
    page = Opened(browser, tmp_path / "page.html", html)
    page.press("n", "+", "ArrowRight", "ArrowDown")
    assert page.shown == 0 and page.problems == []
    page.context.close()
