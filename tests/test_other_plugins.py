"""Beside what others plug into pytest: an order at random, reruns, several processes, a page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.walk import Walk
from support.wheel import build_wheel

OTHERS = "pytest-randomly==5.1.0 pytest-html==4.2.0 pytest-rerunfailures==16.7 pytest-xdist==3.8.0"
KILL = "worker-kill-before-ack"
TESTS = f'''
import pytest

@pytest.mark.parametrize("seed", [1, 2])
def test_held(jobquake, seed):
    jobquake.run("{KILL}", driver="sim", seed=seed)

def test_violated(jobquake):
    jobquake.run("{KILL}", backend="twin-no-lease", driver="sim", seed=3)
'''


@pytest.mark.slow
@pytest.mark.parametrize("processes", ["", "-n 2 "])
def test_each_run_is_told_once_whatever_else_is_plugged_in(processes: str, tmp_path: Path) -> None:
    walk = Walk(tmp_path, build_wheel(tmp_path))
    walk.run(f"pip install jobquake {OTHERS}")
    (walk.folder / "test_shop.py").write_text(TESTS)
    told = []
    for order in (1, 2):
        options = f"-v -p no:cacheprovider --randomly-seed {order} {processes}--reruns 1"
        said = walk.run(f"pytest {options} --html out.html --self-contained-html  # exits with 1")
        assert re.search(r"1 failed, 2 passed, 1 rerun in", said)
        told.append(sorted(re.findall(r"^(?:held|violated) .*", said, re.MULTILINE)))
        page = (walk.folder / "out.html").read_text()
        counts = dict(re.findall(r"(\d+) (Passed|Failed|Rerun)\b", page))
        assert sorted(counts) == ["1", "2"]
        assert page.count("test_shop.py::test_held[1]") and "its effect never happened" in page
    assert (
        told[0]
        == told[1]
        == [
            f"held          {KILL}:default  reference  sim  seed 1",
            f"held          {KILL}:default  reference  sim  seed 2",
            f"violated      {KILL}:default  twin-no-lease  sim  seed 3",
            f"violated      {KILL}:default  twin-no-lease  sim  seed 3  (the test was run again)",
        ]
    )
