"""Public bugs, staged: violated on the old version, held on the fixed one; nothing is left behind.

Those that stage something install the libraries first, so they are slow.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import psutil
import pytest
from jobquake.backtests import backtest
from jobquake.backtests.backtest import APPS, BUGS, Side, Told
from jobquake.backtests.play import Played, play
from jobquake.backtests.stage import Held, Stage
from jobquake.environments.pins import pinned
from support.command import HELD, USAGE, complaint
from support.command import jobquake as command
from support.servers_here import or_skip

NAMES = backtest.names()
SIDES = [
    pytest.param(name, side, id=f"{name}, {side.label}")
    for name in NAMES
    for side in backtest.find(name).sides
]


def test_there_are_backtests() -> None:
    assert {"rq-2424", "rq-1716", "celery-10724"} <= set(NAMES)
    with pytest.raises(KeyError):
        backtest.find("no-such-bug")


@pytest.mark.parametrize("name", NAMES)
def test_a_backtest_says_what_it_is_and_has_a_side_on_which_it_must_be_seen(name: str) -> None:
    found = backtest.find(name)
    assert found.name == name and found.title
    number = name.rpartition("-")[2]
    assert re.fullmatch(rf"https://github\.com/.+/(issues|pull)/{number}", found.url)
    assert "The strike: " in (import_module(f"{BUGS}.{name.replace('-', '_')}").__doc__ or "")
    assert (APPS / f"{found.app}.py").exists()
    expected = [side.expected for side in found.sides]
    assert "violated" in expected and "held" in expected
    assert all(pinned(side.pins) for side in found.sides)


@pytest.mark.parametrize(
    ("expected", "verdict", "counts"),
    [
        ("violated", "violated", "held"),
        ("violated", "held", "inconclusive"),
        ("violated", "inconclusive", "inconclusive"),
        ("held", "held", "held"),
        ("held", "violated", "violated"),
        ("held", "inconclusive", "inconclusive"),
    ],
)
def test_a_bug_that_was_not_seen_where_it_must_be_proves_nothing(
    expected: str, verdict: str, counts: str
) -> None:
    side = Side(("rq==1",), expected)  # type: ignore[arg-type]
    told = Told(verdict, "")  # type: ignore[arg-type]
    assert Played(side, told, 0.0, 0.0).as_expected == counts


def test_the_command_lists_them_and_tells_an_unknown_name(tmp_path: Path) -> None:
    listed = command("backtest", "--list", within=tmp_path, code=HELD).stdout
    assert [line.split(":")[0] for line in listed.splitlines()] == NAMES
    said = complaint("backtest", "rq-2242", within=tmp_path, code=USAGE)
    assert "did you mean 'rq-2424'?" in said


# -- staged -------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(("name", "side"), SIDES)
def test_a_bug_is_seen_where_it_is_and_nowhere_else(name: str, side: Side) -> None:
    played = or_skip(lambda: play(backtest.find(name), side))
    assert isinstance(played, Played)
    assert played.told.verdict == side.expected, played.told


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_strike_that_never_came_proves_nothing(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Stage, "hold_reply", lambda *_: Held())
    monkeypatch.setattr(Stage, "cut", lambda *_: None)
    monkeypatch.setattr(Stage, "mend", lambda *_: None)
    found = backtest.find(name)
    played = or_skip(lambda: play(found, found.sides[0]))
    assert isinstance(played, Played)
    assert played.told.verdict == "inconclusive"


def processes_of(home: Path) -> list[psutil.Process]:
    """Living processes whose temporary folder this is."""
    found = []
    for process in psutil.process_iter():
        try:
            mine = process.environ().get("TMPDIR") == str(home)
            if mine and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def wait_until(condition: Callable[[], object], within_s: float = 120.0) -> None:
    until = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < until, "the condition never came true"
        time.sleep(0.05)


@pytest.mark.slow
def test_nothing_is_left_when_it_is_killed(tmp_path: Path) -> None:
    home = tmp_path / "tmp"
    home.mkdir()
    running = subprocess.Popen(
        [sys.executable, "-m", "jobquake", "backtest", "rq-1716"],
        env=os.environ | {"TMPDIR": str(home)},
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: running.poll() is not None or [*home.glob("*/worker-1.log")])
        if running.poll() == 3:
            pytest.skip("the libraries cannot be installed here")
        assert len(processes_of(home)) > 3
    finally:
        running.send_signal(signal.SIGKILL)
        running.wait()
    wait_until(lambda: not processes_of(home))
    wait_until(lambda: not [*home.iterdir()])
