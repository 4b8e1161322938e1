"""What an exploration of an app tells: lines for a terminal, and a page that reads whole."""

from __future__ import annotations

import re
from io import StringIO
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from jobquake.cli.exploring import code
from jobquake.errors import HELD, INCONCLUSIVE, INTERRUPTED, VIOLATED
from jobquake.harness.result import Confirmation
from jobquake.harness.shrink.reproduction import Reproduction
from jobquake.reports import exploring, terminal
from jobquake.sweep.exploring.explored import Explored
from jobquake.sweep.exploring.finding import Finding
from jobquake.sweep.exploring.search import Listed, Search
from msgspec.structs import replace
from support.chromium_here import chromium

STRIKES = ("worker: BRPOP q, killed after", "worker: HDEL <b>, silence")
FINDING = Finding(
    outcome="lost", strikes=STRIKES, told=STRIKES, jobs=1, workers=1,
    sentence="job 0 was accepted and is <i>gone</i>", story=("1.00 s: p1 sent it",), logged=("oh",),
    replay="jq1:small", number=7, after_s=12.5, again="jobquake replay 'jq1:small' --app shop:app",
    found_as="jobquake replay 'jq1:drawn' --app shop:app", first=Reproduction(5, 4, 1),
    rate=Reproduction(5, 5, 0), certificate="1 job, 2 faults; 9 trials", minimal=True,
    confirmation=Confirmation("confirmed", "violated in real time, too"), times=3,
)  # fmt: skip
SEEN = Explored(
    app="shop:app", task="shop.charge", library="Celery 5.7.0", settings={"task_acks_late": "true"},
    options="--app shop:app", seed=3, boundaries=("worker: BRPOP q",), runs=4, trials=12, partly=1,
    proved=2, orders=99, outcomes={"done": 2, "lost": 1, "not hit": 1}, findings=(FINDING,),
    mended=(), listed=(Listed(7, "fresh", STRIKES, 1, 3, 2, "lost", "gone", "again"),),
    seconds=96.0, waited_s=4000.0, time="leaping",
)  # fmt: skip
NOTHING = replace(SEEN, findings=(), outcomes={"done": 3})


def told(seen: Explored, full: bool = False) -> str:
    file = StringIO()
    exploring.tell(seen, terminal.console(file=file, width=200), full)
    return file.getvalue()


def test_a_finding_is_told_by_its_round_trips_and_with_its_rate() -> None:
    lines = told(SEEN)
    assert f"lost: {' and '.join(STRIKES)}" in lines
    assert "job 0 was accepted and is <i>gone</i>" in lines
    assert "as it was drawn: 4 of 5 runs" in lines and "shrunk: 5 of 5 runs" in lines
    assert "violated in real time, too" in lines and "seen 3 times" in lines
    assert "jobquake replay 'jq1:small' --app shop:app" in lines and "jq1:drawn" not in lines
    assert "jq1:drawn" in told(SEEN, full=True)
    kept = replace(SEEN, findings=(replace(FINDING, folder="there/finding-1"),))
    assert "again: jobquake replay there/finding-1 --app shop:app" in told(kept)


def test_what_proves_nothing_is_counted_as_that() -> None:
    assert "In 1 a strike met nothing, in 1 all did: that proves nothing." in told(SEEN)


def test_the_exit_code_says_what_is_proved() -> None:
    vanished = replace(FINDING, confirmation=Confirmation("vanished", "not there"))
    for seen, wanted in (
        (SEEN, VIOLATED),
        (NOTHING, HELD),
        (replace(NOTHING, interrupted=True), INTERRUPTED),
        (replace(SEEN, interrupted=True), VIOLATED),
        (replace(NOTHING, proved=0), INCONCLUSIVE),
        (replace(SEEN, findings=(vanished,)), INCONCLUSIVE),
    ):
        assert code(seen) == wanted
    assert "not to be seen in real time" in told(replace(SEEN, findings=(vanished,)))


def test_progress_is_one_line() -> None:
    search = Search(0, runs=41, trials=23, seconds=96.0)
    search.outcomes.update({"done": 40, "lost": 1})
    search.seen |= {"run worker BRPOP q > HSET unacked", "worker: BRPOP q, silence -> done"}
    line = exploring.headline(search)
    assert line == (
        "41 plans and 23 trials in 96 s (40/min): 40 done, 1 lost; 1 orders of round trips seen; "
        "0 findings"
    )


def test_the_page_has_all_of_it_and_no_text_of_others_is_markup() -> None:
    page = exploring.page(SEEN)
    for text in ("1 way to lose work", "jq1:small", "jq1:drawn", "4 of 5 runs", "(1 met nothing)"):
        assert text in page
    assert "<i>gone</i>" not in page and "&lt;i&gt;gone&lt;/i&gt;" in page
    assert "No work was lost" in exploring.page(NOTHING)
    assert not re.search(r"https?://", page)


@pytest.mark.slow
def test_the_page_fits_a_phone_and_axe_finds_nothing_serious(tmp_path: Path) -> None:
    file = tmp_path / "explore.html"
    file.write_text(exploring.page(SEEN))
    with (
        chromium() as browser,
        browser.new_context(viewport={"width": 360, "height": 800}, bypass_csp=True) as context,
    ):
        opened = context.new_page()
        opened.goto(file.as_uri())
        assert opened.evaluate("document.documentElement.scrollWidth") == 360
        violations = Axe().run(opened).response["violations"]
    assert not [v["id"] for v in violations if v["impact"] in ("serious", "critical")]
