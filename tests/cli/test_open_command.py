"""``jobquake open``: the page that was written last, wherever it is kept."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from jobquake import artifacts
from jobquake.cli.group import cli
from jobquake.cli.options import KEPT, OF_TESTS
from jobquake.errors import USAGE


def asked(*words: str) -> Result:
    return CliRunner().invoke(cli, ["open", *words], standalone_mode=False)


def page(path: Path, minute: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("<!doctype html>")
    os.utime(path, (60 * minute, 60 * minute))
    return path


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("kept", KEPT, ids=str)
def test_the_newest_page_of_any_kind_is_named(kept: Path) -> None:
    for number, folder in enumerate(KEPT):
        page(folder / "older" / "report.html", number)
    newest = page(kept / "deep" / "below" / "sweep.html", 99)
    assert asked("--print").output.strip() == str(newest)


def test_a_place_is_a_page_or_a_folder() -> None:
    here = page(Path("elsewhere/report.html"), 1)
    page(KEPT[0] / "report.html", 2)
    assert asked(str(here), "--print").output.strip() == str(here)
    assert asked("elsewhere", "--print").output.strip() == str(here)


@pytest.mark.parametrize("words", [[], ["nowhere"]])
def test_where_no_page_is_it_says_who_writes_one(words: list[str]) -> None:
    done = asked(*words)
    assert getattr(done.exception, "exit_code", None) == USAGE
    assert "found none; jobquake run and jobquake demo write one" in str(done.exception)


def test_the_browser_is_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shown = tmp_path / "shown"
    browser = tmp_path / "browser"
    browser.write_text(
        f"#!{sys.executable}\nimport sys; open({str(shown)!r}, 'w').write(sys.argv[1])"
    )
    browser.chmod(browser.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("BROWSER", str(browser))
    monkeypatch.setattr("webbrowser._tryorder", None)
    here = page(KEPT[0] / "run one" / "report.html", 1)
    assert asked().return_value == 0
    assert shown.read_text() == here.resolve().as_uri()


def test_the_pages_of_tests_are_where_the_plugin_keeps_them() -> None:
    assert str(OF_TESTS) == artifacts.FOLDER
