"""The table of promises is whole: every check and every twin stands in it, and no cell is empty."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import jobquake
import pytest
from jobquake.backends import registry as backends
from jobquake.backends.reference.adapter import ReferenceAdapter
from jobquake.harness.checks import CHECKS
from jobquake.harness.contract.suite import QueueContract
from jobquake.scenarios.promises import PROMISES

ROOT = Path(jobquake.__file__).parent
PAGE = ROOT / "docs" / "promises.md"
TWINS = [name for name in backends.names() if name.startswith("twin-")]


def test_the_page_is_what_the_script_prints() -> None:
    command = [sys.executable, str(ROOT / "tools" / "docs.py"), "promises"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert PAGE.read_text() == printed


def test_every_check_judges_a_side_of_a_promise_and_no_side_stands_twice() -> None:
    assert {promise.check for promise in PROMISES} == set(CHECKS)
    sides = Counter((promise.promise, promise.side) for promise in PROMISES)
    assert not [side for side, times in sides.items() if times > 1]


def test_every_twin_breaks_one_side_and_is_found_by_the_check_of_that_side() -> None:
    broken = Counter(f"twin-{twin}" for promise in PROMISES for twin in promise.twins)
    assert sorted(broken.elements()) == sorted(TWINS)
    for promise in PROMISES:
        for twin in promise.twins:
            assert backends.find(f"twin-{twin}").violates == promise.check


@pytest.mark.parametrize("name", TWINS)
def test_the_contract_has_the_test_that_a_twin_names(name: str) -> None:
    twin = backends.find(name)
    assert isinstance(twin, ReferenceAdapter)
    assert callable(getattr(QueueContract, twin.contract_test))


def test_no_cell_is_empty_without_a_reason() -> None:
    assert all(bool(promise.twins) != bool(promise.why) for promise in PROMISES)
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    assert len(rows) == 1 + len(PROMISES)
    for row in rows:
        assert all(cell.strip() for cell in row.strip("|").split("|"))
