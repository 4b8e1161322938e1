"""The page as the library has it and as the harness reads it; the files of a run that make it."""

from __future__ import annotations

import ctypes
import os
import re
import subprocess
from pathlib import Path

import pytest
from jobquake.errors import EnvironmentFault
from jobquake.leap import page
from jobquake.leap.clock import InUse, LeapingClock
from jobquake.leap.compiling import NATIVE
from jobquake.leap.page import Head, Page
from support.leaping import needs_compiler, program

HEADER = (NATIVE / "page.h").read_text()


@needs_compiler
def test_both_have_every_field_in_the_same_place() -> None:
    told = subprocess.run(
        [program("layout", f"-I{NATIVE}")], capture_output=True, text=True, check=True
    )
    *fields, size = told.stdout.splitlines()
    places = dict(line.split() for line in fields)
    for name, _ in ((field[0], field[1]) for field in Head._fields_):
        assert int(places[name]) == getattr(Head, name).offset, name
    assert int(size) <= page.SIZE
    assert set(places) == {field[0] for field in Head._fields_}


def test_both_have_the_same_numbers_and_words() -> None:
    def number(name: str) -> int:
        found = re.search(rf"#define {name} (\w+?)u?\b", HEADER)
        assert found, name
        return int(found[1], 0)

    assert number("LEAP_NODES") == page.NODES
    assert number("LEAP_GUESTS") == page.GUESTS
    assert number("LEAP_MAGIC") == page.MAGIC
    assert number("LEAP_LAYOUT") == page.LAYOUT
    assert len(re.findall(r"^    LEAP_WHY_\w+", HEADER, re.MULTILINE)) == len(page.WHY)
    assert f'"{page.PAGE_ENV}"' in HEADER and f'"{page.NODE_ENV}"' in HEADER


def test_a_page_is_a_file_for_as_long_as_it_is_open() -> None:
    one = Page("test-mark")
    assert one.path.exists() and one.path.stat().st_size == page.SIZE
    with pytest.raises(EnvironmentFault, match="use --time real"):
        Page("test-mark")
    one.close()
    assert not one.path.exists()
    page.remove_page("test-mark")  # it may be gone


def test_a_machine_without_shared_memory_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(page, "PLACE", tmp_path / "nowhere")
    with pytest.raises(EnvironmentFault, match="expected to keep the run's clock in"):
        Page()


@needs_compiler
def test_a_process_has_one_clock_at_a_time(clock: LeapingClock) -> None:
    with pytest.raises(InUse, match="one run in leaping time at a time"), LeapingClock():
        pass
    assert clock.stats.virtual_s > 0


@needs_compiler
def test_what_was_preloaded_before_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_PRELOAD", "libfirst.so")
    with LeapingClock() as clock:
        assert clock.environment["LD_PRELOAD"].split(":")[1:] == ["libfirst.so"]
        assert clock.environment["LD_PRELOAD"].startswith(os.sep)


def test_the_slots_lie_behind_the_head_without_a_gap() -> None:
    assert ctypes.sizeof(Head) % 8 == 0
