"""The pictures in the README and in docs/: a Celery task that was lost; a zombie worker, shrunk.

    .venv/bin/python tools/screenshots.py

Needs Chromium, a redis-server and the development packages. The simulator gives the same page each
time; the task of Celery is lost on real workers.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Literal

from jobquake import demos
from jobquake.backends import registry as backends
from jobquake.harness.run import run
from jobquake.harness.shrink.failure import shrunk_in_sim
from jobquake.reports import html
from jobquake.scenarios import registry as scenarios
from playwright.sync_api import ViewportSize, sync_playwright

DOCS = Path(__file__).parents[1] / "docs"
SHOTS: tuple[tuple[str, str, int, int, Literal["light", "dark"]], ...] = (
    ("celery", "report-celery.png", 1120, 1080, "light"),
    ("zombie", "report-desktop.png", 1120, 1250, "light"),
    ("zombie", "report-phone.png", 360, 1240, "dark"),
)


def celery() -> str:
    experiment, system = demos.celery(safe=False)
    found = run(experiment.plan, system)
    return html.page(found.result, found.plan, found.claims, found.history)


def zombie() -> str:
    twin = backends.find("twin-ack-without-token")
    found = run(scenarios.find("zombie-worker").plan(0), twin, "sim").result
    failure, smallest = shrunk_in_sim(
        found.replay, "leases_exclusive", twin, "scenario zombie-worker, seed 0"
    )
    return html.page(*smallest[:4], failure)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as play:
        for name, page in (("celery", celery()), ("zombie", zombie())):
            Path(folder, f"{name}.html").write_text(page, encoding="utf-8")
        browser = play.chromium.launch(executable_path=shutil.which("chromium"))
        for page, name, width, height, scheme in SHOTS:
            size = ViewportSize(width=width, height=height)
            tab = browser.new_page(viewport=size, color_scheme=scheme)
            tab.goto(Path(folder, f"{page}.html").as_uri())
            tab.screenshot(path=DOCS / name)
            print(DOCS / name)
        browser.close()


if __name__ == "__main__":
    main()
