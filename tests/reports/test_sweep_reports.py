"""What a sweep tells: the page in a real browser, the terminal, JUnit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree

import pytest
from axe_playwright_python.sync_playwright import Axe
from jobquake.harness.result import Confirmation
from jobquake.reports import terminal
from jobquake.reports.sweep import junit, page, text
from jobquake.sweep.expected import Expected, Known, compare
from jobquake.sweep.outcome import LOOKS, Outcome
from jobquake.sweep.swept import Swept
from msgspec.structs import replace
from playwright.sync_api import Browser
from support.chromium_here import chromium
from support.swept import ACK, POP, PUSH, swept

FOUND: dict[tuple[object, str], Outcome] = {
    (POP, "killed after"): "lost",
    (ACK, "reset before"): "run again",
    (ACK, "silence"): "not hit",
}
KNOWN = Expected((PUSH.key, POP.key, ACK.key), (Known(POP.key, "killed after", "lost", "so <i>"),))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


def found(missing: int = 0) -> Swept:
    return swept(FOUND, missing=missing)  # type: ignore[arg-type]


def told(sweep: Swept, full: bool = False) -> str:
    file = StringIO()
    text.tell(sweep, terminal.console(file=file, width=200), full)
    return file.getvalue()


def test_the_terminal_shows_a_sign_for_each_cell_and_how_to_see_it_again() -> None:
    lines = told(found())
    grid = {
        name: row.split()
        for name, row in re.findall(r"^(killed after|reset before|silence) +(.*)$", lines, re.M)
    }
    assert grid["killed after"] == ["\u25cf", LOOKS["lost"].sign, "\u25cf"]
    assert grid["reset before"] == ["\u25cf", "\u25cf", LOOKS["run again"].sign]
    assert "1 of 24 runs" in lines and "jobquake replay" not in lines
    assert "jobquake replay 'jq1:x' --app shop:app" in told(found(), full=True)
    assert "1 round trips that only open connections" in lines


def test_it_is_told_what_real_time_said_of_what_leaping_time_showed() -> None:
    sweep = found()
    (lost,) = sweep.findings
    seen = Confirmation("confirmed", "violated in real time, too")
    cells = tuple(
        replace(cell, confirmation=seen) if cell is lost else cell for cell in sweep.cells
    )
    sweep = replace(sweep, cells=cells)
    assert "Of what leaping time showed: 1 seen in real time, too." in told(sweep)
    for text_of in (told, page.page, junit.render):
        assert "ound in leaping time; violated in real time, too" in text_of(sweep)


def test_a_sweep_that_is_not_complete_says_so() -> None:
    assert "3 of 24 were not run; the same command goes on with them" in told(found(missing=3))


def test_every_outcome_has_a_shape_of_its_own() -> None:
    assert len({look.sign for look in LOOKS.values()}) == len(LOOKS)
    shapes = set(re.findall(r'<symbol id="([\w-]+)"', page.page(found())))
    assert shapes == {outcome.replace(" ", "-") for outcome in LOOKS}


def test_junit_has_a_case_for_each_cell() -> None:
    root = ElementTree.fromstring(junit.render(found(missing=1)))
    assert len(root.findall(".//testcase")) == 24
    (failure,) = root.findall(".//failure")
    assert failure.get("type") == "lost" and "replay" in str(failure.text)
    assert len(root.findall(".//error")) == 0 and len(root.findall(".//skipped")) == 1
    assert (root.get("tests"), root.get("failures")) == ("24", "1")


def test_in_junit_what_is_known_is_no_failure_and_what_is_not_is_one() -> None:
    root = ElementTree.fromstring(junit.render(found(), KNOWN))
    assert {failure.get("type") for failure in root.findall(".//failure")} == {
        "run again",
        "not hit",
    }
    (out,) = root.findall(".//system-out")
    assert "so <i>" in str(out.text)


def test_the_page_opens_from_a_file_and_each_sign_leads_to_its_story(
    browser: Browser, tmp_path: Path
) -> None:
    file = tmp_path / "sweep.html"
    file.write_text(page.page(found(missing=1), KNOWN, compare(found(missing=1), KNOWN)))
    with browser.new_context(
        color_scheme="dark", viewport={"width": 360, "height": 800}, offline=True
    ) as context:
        opened = context.new_page()
        wrong: list[str] = []
        opened.on("pageerror", lambda error: wrong.append(str(error)))
        opened.on("console", lambda said: wrong.append(said.text))
        opened.goto(file.as_uri())
        assert opened.evaluate("document.documentElement.scrollWidth") == 360
        links = opened.locator(".grid td a")
        assert links.count() == 23
        places = [str(links.nth(n).get_attribute("href")) for n in range(23)]
        assert all(opened.locator(place).count() == 1 for place in places)
        lost = opened.get_by_label("BRPOP q, killed after: lost").get_attribute("href")
        assert opened.locator(f"{lost} + p").inner_text() == "so"
        assert "<b>w1</b> was killed" in opened.content().replace("&lt;", "<").replace("&gt;", ">")
        assert opened.get_by_text("Known: so <i>").is_visible()
        assert not wrong


def test_axe_finds_nothing_serious(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "sweep.html"
    file.write_text(page.page(found()))
    # The checker is a script of its own, which the page's policy would rightly refuse.
    with browser.new_context(color_scheme="light", bypass_csp=True) as context:
        opened = context.new_page()
        opened.goto(file.as_uri())
        violations = Axe().run(opened).response["violations"]
    assert not [v["id"] for v in violations if v["impact"] in ("serious", "critical")]
