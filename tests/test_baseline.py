"""What is known to break may only shrink: on the command line, and under pytest."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from jobquake import baseline
from jobquake.backends import registry as backends
from jobquake.errors import HELD, INCONCLUSIVE, USAGE, VIOLATED, UsageError
from jobquake.harness.result import Result
from jobquake.harness.run import run
from jobquake.scenarios import registry as scenarios
from msgspec.structs import replace
from support.chromium_here import chromium
from support.command import SIM, ended

pytest_plugins = ["pytester"]
KILL, TWIN = "worker-kill-before-ack", "twin-no-lease"


@cache
def done(backend: str = TWIN) -> Result:
    return run(scenarios.find(KILL).plan(0), backends.find(backend), "sim").result


def file_of(folder: Path, *results: Result) -> Path:
    file = folder / "known.toml"
    file.write_text(baseline.recorded(results))
    return file


def test_what_is_recorded_is_expected_and_its_reasons_stay(tmp_path: Path) -> None:
    file = file_of(tmp_path, done())
    known = baseline.read(file)
    broken = {check.name for check in done().checks if check.verdict == "violated"}
    assert {one.guarantee for one in known.known} == broken and broken
    differs = baseline.compare([done()], known)
    assert not differs.red and not differs.missing
    assert baseline.code([done()], differs) == HELD
    file.write_text(file.read_text().replace("found by a run", "accepted since March; found"))
    again = baseline.recorded([done()], baseline.read(file))
    assert again.count("accepted since March") == len(broken)


def test_what_is_worse_and_what_got_better_are_both_red(tmp_path: Path) -> None:
    nothing = baseline.Baseline()
    worse = baseline.compare([done()], nothing)
    assert baseline.code([done()], worse) == VIOLATED and "no_lost_work" in worse.worse[0]
    known = baseline.read(file_of(tmp_path, done()))
    mended = replace(done("reference"), backend=TWIN)
    better = baseline.compare([mended], known)
    assert baseline.code([mended], better) == VIOLATED
    assert "it got better, so take it out of the file" in better.better[0]
    elsewhere = baseline.compare([done("reference")], known)
    assert not elsewhere.red and f"on {TWIN}: not run" in elsewhere.told[0]
    nobody = replace(done(), verdict="inconclusive")
    assert baseline.code([nobody], baseline.compare([nobody], known)) == INCONCLUSIVE
    typed = replace(known.known[0], guarantee="no_lost_wrok")
    assert baseline.compare([done()], baseline.Baseline((*known.known, typed))).other


def test_a_control_is_no_finding(tmp_path: Path) -> None:
    caught = replace(done(), control="no_lost_work")
    assert "[[known]]" not in baseline.recorded([caught])
    assert not baseline.compare([caught], baseline.Baseline()).red


@pytest.mark.parametrize("text", ["[[known", "[[known]]\nscenario = 1\n", "other = 1\n"])
def test_a_file_that_is_none_is_one_sentence(text: str, tmp_path: Path) -> None:
    (tmp_path / "known.toml").write_text(text)
    with pytest.raises(UsageError, match="expected a file that --record made, found"):
        baseline.read(tmp_path / "known.toml")
    with pytest.raises(UsageError, match="make one with"):
        baseline.read(tmp_path / "none.toml")


def test_on_the_command_line_a_known_finding_passes_and_a_mended_one_fails(tmp_path: Path) -> None:
    def jobquake(*words: str) -> tuple[int, str]:
        done = ended("run", f"{KILL}:default", *SIM, *words, within=tmp_path)
        return done.returncode, done.stdout + done.stderr

    assert jobquake("--backend", TWIN, "--record", "known.toml")[0] == VIOLATED
    code, said = jobquake("--backend", TWIN, "--expect", "known.toml")
    assert code == HELD and said.rstrip().endswith("as expected")
    file = tmp_path / "known.toml"
    file.write_text(file.read_text().replace(TWIN, "reference"))
    code, said = jobquake("--expect", "known.toml")
    assert code == VIOLATED and "better: " in said
    assert jobquake("--expect", "none.toml")[0] == USAGE


# -- under pytest ---------------------------------------------------------------------------

TEST = f"""
def test_payments(jobquake):
    jobquake.run("{KILL}", backend="{TWIN}", driver="sim", seed=0)
"""


def test_a_known_finding_is_an_expected_failure_and_a_mended_one_a_failure(
    pytester: pytest.Pytester,
) -> None:
    file_of(pytester.path, done())
    pytester.makeini("[pytest]\njobquake_expect = known.toml")
    file = pytester.makepyfile(test_it=TEST)
    known = pytester.runpytest_inprocess("-rx")
    known.assert_outcomes(xfailed=1)
    known.stdout.fnmatch_lines(["*known: found by a run*"])
    file.write_text(TEST.replace(TWIN, "reference"))
    pytester.runpytest_inprocess().assert_outcomes(passed=1)
    text = (pytester.path / "known.toml").read_text().replace(TWIN, "reference")
    (pytester.path / "known.toml").write_text(text)
    mended = pytester.runpytest_inprocess()
    mended.assert_outcomes(failed=1)
    mended.stdout.fnmatch_lines(["*it got better, so take it out of the file*"])
    (pytester.path / "known.toml").write_text("")
    file.write_text(TEST)
    pytester.runpytest_inprocess("--jobquake-expect", "known.toml").assert_outcomes(failed=1)


@pytest.mark.slow
def test_several_failing_runs_have_an_index_whose_links_lead_to_their_pages(
    pytester: pytest.Pytester,
) -> None:
    file = pytester.makepyfile(test_it=TEST + TEST.replace("payments", "refunds"))
    failed = pytester.runpytest_inprocess()
    failed.stdout.fnmatch_lines(["  all of them: .jobquake/index.html"])
    index = pytester.path / ".jobquake" / "index.html"
    with chromium() as browser:
        tab = browser.new_page(viewport={"width": 360, "height": 800})
        tab.goto(index.as_uri())
        assert tab.evaluate("document.documentElement.scrollWidth") <= 360
        assert tab.locator("tbody th").all_inner_texts() == [
            "test_it.py::test_payments", "test_it.py::test_refunds",
        ]  # fmt: skip
        for number in range(2):
            tab.goto(index.as_uri())
            tab.locator("td a").nth(number).click()
            tab.wait_for_selector("h1:has-text('Broken promise')")
    file.write_text(TEST)
    pytester.runpytest_inprocess()
    assert not index.exists(), "one run needs no index"
