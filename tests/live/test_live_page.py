"""The live page: it tells what is kept, in a real browser, and only itself may end the work."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from itertools import pairwise
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import msgspec
import pytest
from axe_playwright_python.sync_playwright import Axe
from jobquake.backends.metrics.families import Family
from jobquake.board.board import places
from jobquake.board.cell import Cell as BoardCell
from jobquake.board.cell import Ran
from jobquake.errors import EnvironmentFault
from jobquake.harness.soak.moments import MOST, Moment, with_moment
from jobquake.harness.soak.soak import Soak, Violation
from jobquake.kept import Kept
from jobquake.live.page import exposition, page
from jobquake.live.seen import Seen, boarding, soaking, sweeping
from jobquake.live.server import Live, served
from jobquake.sweep.cell import Cell
from jobquake.sweep.outcome import Outcome
from jobquake.sweep.ways import WAYS
from playwright.sync_api import Browser
from support import swept as a_sweep
from support.chromium_here import Scheme, chromium
from support.scrape import of, read

HOSTILE = "</style><script>alert(1)</script>"
KILL = "worker-kill-before-ack"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def a_soak(folder: Path, name: str = KILL) -> Seen:
    """An hour of a soak of two in which a round of three was violated; its page is kept, too."""
    moments = tuple(Moment(n * 36.0, n, n // 3, 5 * n, min(n, 40)) for n in range(1, 101))
    found = tuple(Violation(n, f"job {n} was lost {name}", "jq1:x", "held", 0) for n in (7, 31))
    verdicts = {"held": 67, "violated": 33}
    soak = Soak(
        2, (name,), "reference", "sim", 0, rounds=100, spent_s=3600.0, jobs=4000, strikes=500,
        verdicts=verdicts, found=found, behaviours=frozenset("abc"), moments=moments,
    )  # fmt: skip
    (folder / "soak.json").write_bytes(msgspec.json.encode(soak))
    (folder / "round-31").mkdir()
    (folder / "round-31" / "report.html").write_text("<title>round 31</title>")
    return soaking(folder, 7200.0)


def a_swept(folder: Path) -> Seen:
    kept = Kept(folder, "x", Cell)
    boundaries = (a_sweep.PUSH, a_sweep.POP)
    for boundary in boundaries:
        for way in WAYS[:3]:
            outcome: Outcome = "lost" if way is WAYS[1] else "done"
            kept.add(a_sweep.cell(boundary, way.name, outcome, f"{HOSTILE} {outcome}"))
    wanted = [(boundary.key, way.name) for boundary in boundaries for way in WAYS]
    return sweeping("Sweep of charge", folder, wanted)


def a_board(folder: Path) -> Seen:
    wanted = places(["saq"])
    kept = Kept(folder, "x", BoardCell)
    for number, place in enumerate(wanted[:5]):
        outcome = ("lost", "recovered", "unproved", "done", "failed")[number]
        kept.add(
            BoardCell(*place, "SAQ 1", 0, (Ran(outcome, "violated", {}, "so it went"),), "", 3.0)
        )
    return boarding(folder, wanted)


KINDS: dict[str, Callable[[Path], Seen]] = {"soak": a_soak, "sweep": a_swept, "matrix": a_board}


# -- the reader -----------------------------------------------------------------------------


def test_the_course_of_a_soak_is_short_however_long_it_lasts_and_keeps_its_ends() -> None:
    moments = tuple[Moment, ...]()
    for number in range(1, 5001):
        moments = with_moment(moments, Moment(number * 7.0, number, 0, 0, 0))
        assert len(moments) <= MOST
    assert (moments[0].rounds, moments[-1].rounds) == (1, 5000)
    gaps = [b.rounds - a.rounds for a, b in pairwise(moments)]
    assert max(gaps) <= 5000 / MOST * 4, "no part of it is missing"


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_has_the_numbers_that_prometheus_has(kind: str, tmp_path: Path) -> None:
    seen = KINDS[kind](tmp_path)
    with served(lambda: seen) as live:
        text = get(live, "/metrics")[1]
    shown = page(seen, "running", "word")
    samples = read(text)
    rows = re.findall(
        r'<code>(jobquake_\w+)(?:\{([^}]*)\})?</code></th><td class="number"[^>]*><span>([\d,]+)',
        shown,
    )
    assert len(rows) >= 4
    for name, labels, value in rows:
        named = dict(re.findall(r"(\w+)=&#34;([^&]*)&#34;", labels))
        assert f"{of(samples, name, **named):,.0f}" == value, name


def test_a_sweep_is_read_as_it_is_kept_and_a_cell_that_is_not_wanted_is_not_told(
    tmp_path: Path,
) -> None:
    seen = a_swept(tmp_path)
    assert (seen.look, round(seen.share * len(WAYS) * 2)) == ("violated", 6)
    assert seen.verdicts == {"done": ("held", 4), "lost": ("violated", 2)}
    runs, behaviours = seen.courses
    assert runs.at_s[-1] == 12.0 and runs.lines[1].values == (0, 1, 1, 1, 2, 2)
    assert behaviours.lines[0].values == (1, 2, 3, 3, 3, 3)
    pushed = [(a_sweep.PUSH.key, way.name) for way in WAYS]
    assert len(sweeping("", tmp_path, pushed).found) == 1


def test_labels_are_told_to_prometheus_as_they_are() -> None:
    said = 'a "b" \\ c\nd'
    family = Family("jobquake_x", "counter", "what it is", ("of",), {(said,): 3.0})
    assert of(read(exposition([family])), "jobquake_x_total", of=said) == 3.0


def test_a_hostile_name_stays_text(tmp_path: Path) -> None:
    shown = page(a_soak(tmp_path, HOSTILE), "running", "word")
    assert HOSTILE not in shown.split("</style>", 1)[1].split("<script>(")[0]
    assert "&lt;script&gt;alert(1)" in shown


# -- the server -----------------------------------------------------------------------------


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    seen = a_soak(tmp_path)
    live = Live(lambda: seen, 0)
    live.begin()
    yield live
    live.end(linger=False)


def ask(live: Live, method: str, path: str, body: str = "", **headers: str) -> tuple[int, str]:
    at = urlsplit(live.address)
    connection = HTTPConnection(at.hostname or "", at.port or 0, timeout=10)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body or None, {**FORM, **named})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def get(live: Live, path: str, **headers: str) -> tuple[int, str]:
    return ask(live, "GET", path, **headers)


def word(live: Live) -> str:
    found = re.search(r'name="token" value="([^"]+)"', get(live, "/")[1])
    assert found
    return f"token={found[1]}"


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1"]
)
def test_whoever_calls_it_by_another_name_is_told_nothing(live: Live, host: str) -> None:
    said = word(live)
    named = host.format(port=urlsplit(live.address).port)
    for path in ("/", "/metrics", "/found/0"):
        status, text = get(live, path, Host=named)
        assert status == 421 and "soak" not in text.lower()
    assert ask(live, "POST", "/stop", said, Host=named)[0] == 421
    assert not live.stopped()


def test_nobody_but_its_own_page_ends_the_work(live: Live) -> None:
    said, home = word(live), live.address.rstrip("/")
    assert ask(live, "POST", "/stop", "token=guessed")[0] == 403
    assert ask(live, "POST", "/stop")[0] == 403
    assert ask(live, "POST", "/stop", said, Origin="http://evil.example")[0] == 403
    assert ask(live, "POST", "/stop", said, Origin="null")[0] == 403
    assert ask(live, "POST", "/stop", "x" * 100_000)[0] == 400
    assert get(live, "/stop")[0] == 404
    assert not live.stopped()
    assert ask(live, "POST", "/stop", said, Origin=home)[0] == 303
    assert live.stopped() and live.stage == "stopping"


def test_the_kept_page_of_a_finding_is_shown_and_no_other_file(live: Live) -> None:
    assert get(live, "/found/0") == (200, "<title>round 31</title>")
    for path in (
        "/found/1",
        "/found/2",
        "/found/-1",
        "/found/../soak.json",
        "/soak.json",
        "/found/",
    ):
        assert get(live, path)[0] == 404, path


def test_a_port_in_use_is_told_in_one_sentence(live: Live) -> None:
    port = urlsplit(live.address).port or 0
    with pytest.raises(EnvironmentFault, match=r"expected to serve .*found.*; choose another"):
        Live(live.look, port)


# -- in a browser ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


def test_a_soak_is_watched_and_ended_in_a_browser(browser: Browser, tmp_path: Path) -> None:
    words = [
        "soak",
        KILL,
        "--backend",
        "twin-no-lease",
        "--for",
        "1000h",
        "--report",
        "out",
        "--ui",
    ]
    running = subprocess.Popen(
        [sys.executable, "-u", "-m", "jobquake", *words],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        assert running.stdout
        address = running.stdout.readline().removeprefix("page ").strip()
        rest = list[str]()
        reader = Thread(target=lambda: rest.extend(running.stdout or ()))
        reader.start()
        tab, complaints = browser.new_page(), list[str]()
        tab.on("console", lambda message: complaints.append(message.text))
        tab.goto(address)
        tab.wait_for_selector(".runs > li:nth-child(3)")
        with tab.expect_popup() as opened:
            tab.locator("a", has_text="its page").first.click()
        assert "Broken promise" in opened.value.inner_text("h1")
        tab.click("#stop")
        tab.wait_for_selector("main[data-stage=ended]")
        assert "Ended" in tab.title() and tab.is_hidden("#stop")
        assert running.wait(timeout=60) == 1
        reader.join()
        assert complaints == []
        tab.close()
    finally:
        running.kill()
        running.wait()
    told = "".join(rest)
    assert "stopped on the page; the same command goes on" in told
    kept = msgspec.json.decode((tmp_path / "out" / "soak.json").read_bytes(), type=Soak)
    assert f"in {kept.rounds} rounds" in told and kept.rounds == kept.moments[-1].rounds


@pytest.mark.slow
def test_a_page_of_another_site_cannot_press_the_button(
    live: Live, browser: Browser, tmp_path: Path
) -> None:
    foreign = tmp_path / "foreign.html"
    foreign.write_text(
        f'<form method="post" action="{live.address}stop"><input name="{word(live).split("=")[0]}" '
        f'value="{word(live).split("=", 1)[1]}"><button>press</button></form>'
    )
    tab = browser.new_page()
    tab.goto(foreign.as_uri())
    with tab.expect_navigation() as answer:
        tab.click("button")
    assert answer.value.status == 403, "even with the page's own word"
    assert not live.stopped()
    tab.close()


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_state_can_be_used_by_everybody_on_any_screen(
    kind: str, scheme: Scheme, browser: Browser, tmp_path: Path
) -> None:
    seen = KINDS[kind](tmp_path)
    nothing = seen._replace(share=0.0, verdicts={}, courses=(), found=(), latest=(), numbers=())
    for stage in ("running", "stopping", "ended"):
        for shown in (seen, nothing):
            file = tmp_path / "page.html"
            file.write_text(page(shown, stage, "word"))
            tab = browser.new_page(color_scheme=scheme)
            tab.goto(file.as_uri())
            serious = [
                found["id"]
                for found in Axe().run(tab).response["violations"]
                if found["impact"] in ("serious", "critical")
            ]
            assert serious == [], (stage, shown)
            for width in (360, 768, 1440):
                tab.set_viewport_size({"width": width, "height": 800})
                assert tab.evaluate("document.documentElement.scrollWidth") <= width
            tab.close()


@pytest.mark.slow
def test_it_works_without_scripts(browser: Browser, live: Live) -> None:
    tab = browser.new_page(java_script_enabled=False)
    tab.goto(live.address)
    tab.click("#stop")
    assert live.stopped() and "Stopping" in tab.inner_text("#said")
    tab.close()
