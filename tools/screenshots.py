"""The pictures in the README: the report of a zombie worker, shrunk, at a desk and on a phone.

    .venv/bin/python tools/screenshots.py

Needs Chromium and the development packages. The simulator gives the same page each time.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Literal

from jobquake.backends import registry as backends
from jobquake.harness.run import run
from jobquake.harness.shrink.failure import shrunk_in_sim
from jobquake.reports import html
from jobquake.scenarios import registry as scenarios
from playwright.sync_api import ViewportSize, sync_playwright

DOCS = Path(__file__).parents[1] / "docs"
SHOTS: tuple[tuple[str, int, int, Literal["light", "dark"]], ...] = (
    ("report-desktop.png", 1120, 1250, "light"),
    ("report-phone.png", 360, 1240, "dark"),
)


def page() -> str:
    twin = backends.find("twin-ack-without-token")
    found = run(scenarios.find("zombie-worker").plan(0), twin, "sim").result
    failure, smallest = shrunk_in_sim(
        found.replay, "leases_exclusive", twin, "scenario zombie-worker, seed 0"
    )
    return html.page(*smallest[:4], failure)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as play:
        file = Path(folder, "report.html")
        file.write_text(page(), encoding="utf-8")
        browser = play.chromium.launch(executable_path=shutil.which("chromium"))
        for name, width, height, scheme in SHOTS:
            size = ViewportSize(width=width, height=height)
            tab = browser.new_page(viewport=size, color_scheme=scheme)
            tab.goto(file.as_uri())
            tab.screenshot(path=DOCS / name)
            print(DOCS / name)
        browser.close()


if __name__ == "__main__":
    main()
