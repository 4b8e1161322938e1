"""A real, headless Chromium for tests of pages: one per test file.

Where there is none, its tests are skipped with the reason; in CI they fail, where nobody would
notice that they are gone.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")


@contextmanager
def chromium() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if found is None:
        why = "expected chromium on PATH to open pages in, found none; install it (tools/servers)"
        if os.environ.get("CI", "").lower() in ("true", "1"):
            pytest.fail(why)
        pytest.skip(why)
    with sync_playwright() as play, play.chromium.launch(executable_path=found) as browser:
        yield browser
