"""The table of practices is true: made by the script, and every string in it replays."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import jobquake
import pytest
from jobquake.backends import registry as backends
from jobquake.harness.drivers.sim import simulate
from jobquake.harness.plan.replay import decode
from jobquake.harness.result import judge
from jobquake.scenarios import registry as scenarios
from jobquake.scenarios.practices import PRACTICES

ROOT = Path(jobquake.__file__).parent
PAGE = ROOT / "docs" / "practices.md"
STRING = re.compile(r"^(with|without):\s+(jq1:\S+)$", re.MULTILINE)


def table(page: str) -> list[str]:
    return [line for line in page.splitlines() if line.startswith("|")]


def test_the_page_is_what_the_script_prints() -> None:
    command = [sys.executable, str(ROOT / "tools" / "docs.py"), "practices"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert table(PAGE.read_text()) == table(printed)
    assert len(table(printed)) == 2 + len(PRACTICES)


@pytest.mark.parametrize(("which", "text"), STRING.findall(PAGE.read_text()))
def test_every_replay_string_on_the_page_gives_its_verdict_again(which: str, text: str) -> None:
    packed = decode(text)
    adapter = backends.find(packed.backend)
    result = judge(packed.plan, adapter, simulate(packed.plan, adapter), packed.driver)
    assert result.verdict == ("held" if which == "with" else "violated")


def test_whoever_lacks_a_practice_is_a_twin_or_a_control() -> None:
    twins = {name for name in backends.names() if name.startswith("twin-")}
    assert {p.without for p in PRACTICES if not p.without.startswith(":")} <= twins


def test_every_control_stands_for_a_practice() -> None:
    controls = {
        (name, f":{variant}")
        for name in scenarios.names()
        for variant in scenarios.find(name).controls
    }
    assert controls == {(p.scenario, p.without) for p in PRACTICES if p.without.startswith(":")}
