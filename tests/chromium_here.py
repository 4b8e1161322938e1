"""A real browser for tests: Debian's Chromium, headless, driven by Playwright.

Where it is missing its tests are skipped on a developer's machine and fail in CI, where
``tools/servers`` installs it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright

MISSING = "expected Debian's chromium on PATH, found none; install it to run the browser tests"


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser, closed at the end with all its processes."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        if os.environ.get("CI", "").lower() in ("true", "1"):
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    # The sandbox needs rights that containers do not give; nothing but our own pages is opened.
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()
