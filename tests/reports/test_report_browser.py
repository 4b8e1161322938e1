"""The report in a real browser: it opens from a file, asks for nothing, can be read on a phone,
by keyboard, in the dark, without scripts and without styles, and shows what the history says.
"""

from __future__ import annotations

import threading
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Unpack

import pytest
from axe_playwright_python.sync_playwright import Axe
from jobquake.backends import registry as backends
from jobquake.harness.record.facts import Facts
from jobquake.harness.record.history import Event
from jobquake.harness.run import Run, run
from jobquake.harness.shrink.failure import Failure, shrunk_in_sim
from jobquake.harness.shrink.reproduction import Reproduction
from jobquake.reports import html
from jobquake.reports.space_time import diagram
from jobquake.scenarios import registry as scenarios
from msgspec.structs import replace
from playwright.sync_api import Browser, Page, ViewportSize
from support.chromium_here import Options, Scheme, chromium
from support.twin_plans import PLANS

HOSTILE = "</script></style><img src=x onerror=\"document.title='owned'\"><!--"
STRICT = "default-src 'none'; style-src 'self'"
# Of what is drawn in either of two pictures, how much is not drawn within a pixel in the other.
SHARE_OF_INK = """async (addresses) => {
  const pixels = await Promise.all(addresses.map(async (address) => {
    const image = new Image();
    image.src = address;
    await image.decode();
    const canvas = new OffscreenCanvas(328, 600);
    const brush = canvas.getContext("2d");
    brush.fillStyle = "white";
    brush.fillRect(0, 0, 328, 600);
    brush.drawImage(image, 0, 0);
    const { data } = brush.getImageData(0, 0, 328, 600);
    return (i) => data[4 * i + 1] < 128;
  }));
  let drawn = 0, missing = 0;
  const [a, b] = pixels;
  const near = (other, i) => [0, 1, -1, 328, -328].some((step) => other(i + step));
  for (let i = 329; i < 328 * 599; i++) {
    drawn += a(i) + b(i);
    missing += (a(i) && !near(b, i)) + (b(i) && !near(a, i));
  }
  return missing / drawn;
}"""
TWINS = ("twin-no-lease", "twin-lease-too-short", "twin-key-after-ack", "twin-priority-inversion")
PAGES = [
    "held", "chaos", "inconclusive", "empty", "control", "failure", "hostile",
    *(pytest.param(twin, marks=pytest.mark.slow) for twin in TWINS),
]  # fmt: skip
WIDTHS = (360, 768, 1440)


@cache
def done(case: str) -> tuple[Run, Failure | None]:
    """A run of each kind, in the simulator; ``failure`` is shrunk."""
    reference, kill = backends.find("reference"), scenarios.find("worker-kill-before-ack").plan(0)
    match case:
        case "held":
            return run(kill, reference, "sim"), None
        case "chaos":
            return run(scenarios.find("day-of-chaos").plan(0), reference, "sim"), None
        case "inconclusive":
            return run(replace(kill, faults=()), reference, "sim"), None
        case "empty":
            return run(replace(kill, jobs=(), producers=1), reference, "sim"), None
        case "control":
            plan = scenarios.find("slow-job-flood").plan(0, "shared")
            return run(plan, reference, "sim", control="no_starvation"), None
        case "failure":
            twin = backends.find("twin-ack-without-token")
            found = run(scenarios.find("zombie-worker").plan(0), twin, "sim").result
            failure, smallest = shrunk_in_sim(
                found.replay, "leases_exclusive", twin, "seed 0, shard 1, schedule 2"
            )
            return smallest, replace(failure, reproduction=Reproduction(20, 19, 1))
        case "hostile":
            return haunted(), None
    return run(PLANS[case].plan, backends.find(case), "sim"), None


def haunted() -> Run:
    """A violated run in which everything that others may name is an attempt to break out."""
    this = run(PLANS["twin-no-lease"].plan, backends.find("twin-no-lease"), "sim")
    result = replace(
        this.result, scenario=HOSTILE, backend=HOSTILE, sentence=HOSTILE, story=(HOSTILE,) * 3
    )
    plan = replace(
        this.plan, scenario=HOSTILE, queues=(replace(this.plan.queues[0], name=HOSTILE),)
    )
    return this._replace(result=result, plan=plan)


@cache
def source(case: str) -> str:
    this, failure = done(case)
    return html.page(*this[:4], failure)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@contextmanager
def opened(
    browser: Browser, place: str, **options: Unpack[Options]
) -> Iterator[tuple[Page, list[str]]]:
    """The page, and whatever it complained of or asked for beyond itself."""
    context = browser.new_context(**options)
    page, noises = context.new_page(), list[str]()
    page.on("console", lambda message: noises.append(message.text))
    page.on("pageerror", lambda error: noises.append(str(error)))
    page.on("request", lambda asked: noises.append(asked.url) if asked.url != place else None)
    try:
        page.goto(place)
        yield page, noises
    finally:
        context.close()


def filed(case: str, folder: Path) -> str:
    file = folder / f"{case}.html"
    file.write_text(source(case), encoding="utf-8")
    return file.as_uri()


def size(width: int) -> ViewportSize:
    return ViewportSize(width=width, height=800)


# -- one file, offline ---------------------------------------------------------------------


@pytest.mark.parametrize("case", PAGES)
def test_it_opens_from_a_file_without_an_error_and_asks_for_nothing(
    browser: Browser, case: str, tmp_path: Path
) -> None:
    with opened(browser, filed(case, tmp_path)) as (page, noises):
        assert page.locator("h1").count() == 1
        applied = page.evaluate("getComputedStyle(document.body).maxWidth")
        assert applied == "1024px", "its own policy lets its style pass"
        for summary in page.locator("summary").all():
            summary.click()
        assert noises == []


def test_its_own_policy_stops_a_script_that_is_not_its_own(
    browser: Browser, tmp_path: Path
) -> None:
    injected = source("held").replace("</body>", "<script>document.title='owned'</script></body>")
    file = tmp_path / "injected.html"
    file.write_text(injected, encoding="utf-8")
    with opened(browser, file.as_uri()) as (page, noises):
        assert page.title() != "owned"
        assert any("Content Security Policy" in noise for noise in noises)


def test_a_hostile_name_stays_text(browser: Browser, tmp_path: Path) -> None:
    with opened(browser, filed("hostile", tmp_path)) as (page, _):
        assert page.locator("img").count() == 0
        assert page.title() == f"violated: {HOSTILE}"
        assert page.locator(".lead").inner_text() == HOSTILE
        assert page.locator("script:not([type])").count() == 1


# -- the story is readable anywhere ---------------------------------------------------------


@contextmanager
def served(text: str) -> Iterator[str]:
    """An artifact server that forbids scripts and styles, as a header."""

    class Artifact(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = text.encode()
            self.send_response(200 if self.path == "/report.html" else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Security-Policy", STRICT)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Artifact)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/report.html"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def assert_story_is_readable(page: Page, case: str) -> None:
    """What broke, the sentence, why, the picture, and the command: all there, all seen."""
    result = done(case)[0].result
    for words in (result.checks[0].title, result.sentence, "Likely cause", result.replay):
        assert page.get_by_text(words).first.is_visible()
    picture = page.locator("svg[data-diagram]").bounding_box()
    assert picture and picture["width"] >= 300 and picture["height"] >= 100
    for mark in page.locator("svg[data-diagram] text").all():
        assert mark.is_visible()


def test_the_story_reads_whole_where_a_server_forbids_scripts_and_styles(browser: Browser) -> None:
    with (
        served(source("failure")) as address,
        opened(browser, address, viewport=size(360)) as (page, _),
    ):
        applied = page.evaluate("getComputedStyle(document.body).maxWidth")
        assert applied == "none", "the header did forbid the style"
        assert page.locator("[data-readout]").is_hidden(), "and the script"
        assert_story_is_readable(page, "failure")


def picture_at(browser: Browser, place: str) -> str:
    """A screenshot of the diagram, as an address that a page can load."""
    with opened(browser, place, viewport=size(360), color_scheme="light") as (page, _):
        shot = page.locator("svg[data-diagram]").screenshot()
    return f"data:image/png;base64,{b64encode(shot).decode()}"


def test_the_picture_looks_the_same_under_that_header(browser: Browser, tmp_path: Path) -> None:
    with served(source("failure")) as forbidding:
        strict = picture_at(browser, forbidding)
    free, other = (picture_at(browser, filed(case, tmp_path)) for case in ("failure", TWINS[0]))
    with opened(browser, "about:blank") as (page, _):
        assert page.evaluate(SHARE_OF_INK, [strict, free]) < 0.02
        assert page.evaluate(SHARE_OF_INK, [strict, other]) > 0.5, "and this can fail"


def test_the_story_reads_whole_without_scripts(browser: Browser, tmp_path: Path) -> None:
    place = filed("failure", tmp_path)
    with opened(browser, place, java_script_enabled=False) as (page, _):
        assert page.locator("[data-readout]").is_hidden(), "nothing that would need the script"
        assert_story_is_readable(page, "failure")


# -- the picture is the history -------------------------------------------------------------


@pytest.mark.parametrize("case", ["failure", *TWINS])
def test_the_marks_are_those_of_the_history_in_its_order_on_their_lanes(
    browser: Browser, case: str, tmp_path: Path
) -> None:
    this = done(case)[0]
    facts = Facts(this.plan, this.claims, this.history)
    with opened(browser, filed(case, tmp_path), viewport=size(1440)) as (page, _):
        caption = page.locator("figcaption").first.inner_text()
        jobs = [int(word) for word in caption.split(";")[0].replace(",", "").split()[1:]]
        drawn = page.evaluate(
            """() => [...document.querySelectorAll('svg[data-diagram] > g')]
            .filter(g => g.querySelector('circle.halo'))
            .map(g => [g.querySelector('title').textContent.split('; here')[0],
                       +g.querySelector('circle.halo').getAttribute('cx'),
                       +g.querySelector('circle.halo').getAttribute('cy')])"""
        )
        lanes = page.evaluate(
            """() => [...document.querySelectorAll('svg[data-diagram] > line')]
            .map(line => +line.getAttribute('x1'))"""
        )
    told = diagram(facts, jobs)
    assert Counter(text for text, _, _ in drawn) == Counter(mark.text for mark in told.marks)
    of_text = {mark.text: mark for mark in told.marks}
    for text, x, _ in drawn:
        assert x == lanes[of_text[text].lane]
    downwards = [of_text[text].at_s for text, _, _ in sorted(drawn, key=lambda shape: shape[2])]
    assert downwards == sorted(downwards)
    heights = [y for _, _, y in drawn]
    assert len(set(heights)) == len(heights), "no mark hides another"
    struck = this.history.where(Event.FAULT_STRUCK)
    faults = {mark.row for mark in told.marks if mark.kind == "fault"}
    assert {int(i) for i in struck if this.history["job"][i] in jobs} <= faults


# -- hands and ears -------------------------------------------------------------------------


def test_arrow_keys_step_through_the_marks_and_each_is_told(
    browser: Browser, tmp_path: Path
) -> None:
    with opened(browser, filed("failure", tmp_path)) as (page, _):
        marks = page.locator("svg[data-diagram] [data-mark]")
        readout = page.locator("[data-readout]")
        assert page.locator("svg[data-diagram] [tabindex='0']").count() == 1, "one stop for Tab"
        page.locator("svg[data-diagram] [tabindex='0']").focus()
        page.keyboard.press("Home")
        told = []
        for _ in range(marks.count()):
            told.append(readout.inner_text())
            page.keyboard.press("ArrowDown")
        assert told == [title.text_content() for title in marks.locator("title").all()]
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
        page.keyboard.press("Enter")
        rows = page.locator("details[open] tbody tr")
        assert rows.count() == marks.count(), "the table says the same as the picture"


def test_a_mark_under_the_finger_is_told(browser: Browser, tmp_path: Path) -> None:
    place = filed("failure", tmp_path)
    with opened(browser, place, viewport=size(360), has_touch=True) as (page, _):
        mark = page.locator("[data-mark]:has(title:text('was paused'))").first
        mark.locator(".halo").tap()
        assert "was paused" in page.locator("[data-readout]").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "case",
    [
        "failure",
        *(pytest.param(it, marks=pytest.mark.slow) for it in ("held", "inconclusive", "control")),
    ],
)
def test_axe_finds_nothing_serious(
    browser: Browser, case: str, scheme: Scheme, tmp_path: Path
) -> None:
    # The checker is a script of its own, which the page's policy would rightly refuse.
    options = Options(color_scheme=scheme, bypass_csp=True, viewport=size(360))
    with opened(browser, filed(case, tmp_path), **options) as (page, _):
        violations = Axe().run(page).response["violations"]
    serious = [v for v in violations if v["impact"] in ("serious", "critical")]
    assert serious == [], [(v["id"], [n["html"][:120] for n in v["nodes"][:3]]) for v in serious]


def test_axe_would_find_something_serious(browser: Browser) -> None:
    with opened(browser, "about:blank") as (page, _):
        page.set_content("<html><body><img src='data:,'><button></button></body></html>")
        assert [v for v in Axe().run(page).response["violations"] if v["impact"] == "critical"]


# -- print ----------------------------------------------------------------------------------


def test_on_paper_verdict_and_picture_share_the_first_page(
    browser: Browser, tmp_path: Path
) -> None:
    a4 = ViewportSize(width=680, height=1009)  # without margins of 15 mm, in pixels of CSS
    with opened(browser, filed("chaos", tmp_path), viewport=a4, color_scheme="dark") as (page, _):
        page.emulate_media(media="print")
        assert page.locator("[data-readout]").is_hidden()
        box = page.locator("svg[data-diagram]").bounding_box()
        assert box and box["y"] + box["height"] <= a4["height"]
        colour = page.evaluate(
            "getComputedStyle(document.documentElement).getPropertyValue('--link')"
        )
        assert colour.strip() == "#005a8d", "ink is dark, whatever the screen was"


# -- sizes and schemes ----------------------------------------------------------------------


CUT = """() => {
  const scrolls = (e) => { for (; e; e = e.parentElement)
    if (['auto', 'scroll'].includes(getComputedStyle(e).overflowX)) return true; return false; };
  return [...document.querySelectorAll('body *')].filter(e => {
    const box = e.getBoundingClientRect();
    return box.width && !scrolls(e) && (box.left < -0.5 || box.right > innerWidth + 0.5);
  }).map(e => e.outerHTML.slice(0, 100));
}"""
OVERLAPS = """() => {
  const blocks = [...document.querySelectorAll(
    'h1,h2,h3,p,pre,dt,dd,li,summary,figure > svg,.wide')]
    .filter(e => !e.matches('.readout') && e.checkVisibility() && e.getBoundingClientRect().height)
    .map(e => [e, e.getBoundingClientRect()]);
  const found = [];
  for (const [a, one] of blocks) for (const [b, two] of blocks) {
    if (a === b || a.contains(b) || b.contains(a)) continue;
    const across = Math.min(one.right, two.right) - Math.max(one.left, two.left);
    const down = Math.min(one.bottom, two.bottom) - Math.max(one.top, two.top);
    if (across > 1 && down > 1) found.push(a.outerHTML.slice(0, 80) + b.outerHTML.slice(0, 80));
  }
  return found;
}"""
TEXTS = """() => [...document.querySelectorAll('svg')].flatMap(svg => {
  const all = svg.getBoundingClientRect();
  const boxes = [...svg.querySelectorAll('text')]
    .map(t => [t.textContent, t.getBoundingClientRect()]);
  const found = boxes.filter(([, b]) => b.left < all.left - 1 || b.right > all.right + 1
    || b.top < all.top - 1 || b.bottom > all.bottom + 1).map(([t]) => `cut: ${t}`);
  boxes.forEach(([t, a], i) => boxes.slice(i + 1).forEach(([u, b]) => {
    const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    if (across > 1 && down > a.height * 0.45) found.push(`${t} over ${u}`);
  }));
  return found;
})"""


@pytest.mark.parametrize("case", PAGES)
def test_nothing_overlaps_and_nothing_is_cut(browser: Browser, case: str, tmp_path: Path) -> None:
    with opened(browser, filed(case, tmp_path)) as (page, _):
        for width in WIDTHS:
            page.set_viewport_size(size(width))
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert page.evaluate(CUT) == [], width
            assert page.evaluate(OVERLAPS) == [], width
            assert page.evaluate(TEXTS) == [], width


def test_it_follows_the_scheme_of_its_reader(browser: Browser, tmp_path: Path) -> None:
    ink = {}
    schemes: tuple[Scheme, ...] = ("light", "dark")
    for scheme in schemes:
        with opened(browser, filed("failure", tmp_path), color_scheme=scheme) as (page, _):
            ink[scheme] = page.evaluate("getComputedStyle(document.body).color")
    assert ink["light"] != ink["dark"]


def test_on_paper_the_command_is_there_to_its_last_letter(browser: Browser, tmp_path: Path) -> None:
    with opened(browser, filed("held", tmp_path)) as (page, _):
        page.emulate_media(media="print")
        command = page.locator("pre.command").first
        hidden = command.evaluate("e => e.scrollHeight - e.clientHeight")
        assert hidden <= 1


def test_a_page_of_a_hundred_jobs_is_small() -> None:
    plan = scenarios.find("day-of-chaos").plan(0)
    plan = replace(plan, jobs=(*plan.jobs, *plan.jobs)[:100])
    this = run(plan, backends.find("reference"), "sim")
    assert len(this.plan.jobs) == 100
    assert len(html.page(*this[:4]).encode()) <= 200_000
