"""A real, headless Chromium for tests of pages: one per test file.

Where there is none, its tests are skipped with the reason; in CI they fail, where nobody would
notice that they are gone.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, TypedDict

import pytest
from playwright.sync_api import Browser, ViewportSize, sync_playwright

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
Scheme = Literal["light", "dark"]


class Options(TypedDict, total=False):
    """What a test wants of the browser that opens its page."""

    viewport: ViewportSize
    color_scheme: Scheme
    java_script_enabled: bool
    bypass_csp: bool
    has_touch: bool


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
