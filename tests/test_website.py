"""The documentation's site: it is built without a warning, and leaves nothing out."""

from __future__ import annotations

import re
import sys
import threading
import tomllib
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType

import click
import jobquake
import pytest
from axe_playwright_python.sync_playwright import Axe
from jobquake.cli.group import cli
from jobquake.harness.faults import FAULTS
from support.chromium_here import Scheme, chromium

ROOT = Path(jobquake.__file__).parent
ASIDE = {"landmark-unique"}  # the theme's own: two unnamed lists of buttons


def told(page: Path) -> str:
    return re.sub(r"<[^>]+>", "", page.read_text())


@pytest.fixture(scope="module")
def website() -> ModuleType:
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        import website
    finally:
        sys.path.remove(str(ROOT / "tools"))
    return website


@pytest.fixture(scope="module")
def built(website: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    settings = website.prepared(tmp_path_factory.mktemp("website"))
    assert website.build(settings) == 0
    return Path(settings.parent, "site")


def in_order(entries: object) -> list[str]:
    """The pages that the list of pages names, from top to bottom."""
    if isinstance(entries, str):
        return [entries]
    inner = entries.values() if isinstance(entries, dict) else entries
    assert isinstance(inner, list) or hasattr(inner, "__iter__")
    return [page for entry in inner for page in in_order(entry)]


def test_every_page_stands_in_the_list_once(website: ModuleType) -> None:
    listed = in_order(tomllib.loads((ROOT / website.SETTINGS).read_text())["project"]["nav"])
    assert sorted(listed) == sorted(website.sources())


def test_the_reference_names_every_public_name_and_every_command(built: Path) -> None:
    python = (built / "api" / "index.html").read_text()
    headings = re.findall(r'<h[23] id="[^"]*">([\w.]+)<', python)
    named = {heading.removeprefix("jobquake.") for heading in headings}
    assert {name for name in dir(jobquake) if name[0] != "_"} <= named
    commands = told(built / "commands" / "index.html")
    for name in cli.list_commands(click.Context(cli)):
        assert f"jobquake {name}" in commands


def test_a_link_that_leads_nowhere_is_an_error(website: ModuleType, tmp_path: Path) -> None:
    settings = website.prepared(tmp_path)
    page = tmp_path / "site-source" / "ci.md"
    page.write_text(page.read_text() + "\n[nowhere](nowhere.md)\n")
    assert website.build(settings) != 0


@pytest.fixture(scope="module")
def served(built: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(built))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_can_be_used_by_everybody_on_any_screen(
    built: Path, served: str, scheme: Scheme
) -> None:
    pages = [file.parent.relative_to(built).as_posix() for file in built.rglob("index.html")]
    assert len(pages) > 20
    with chromium() as browser:
        for page in pages:
            tab = browser.new_page(color_scheme=scheme)
            asked = list[str]()
            tab.on("request", lambda request: asked.append(request.url))  # noqa: B023
            tab.goto(f"{served}/{page}/", wait_until="load")
            serious = [
                found["id"]
                for found in Axe().run(tab).response["violations"]
                if found["impact"] in ("serious", "critical") and found["id"] not in ASIDE
            ]
            assert serious == [], page
            for width in (360, 768, 1440):
                tab.set_viewport_size({"width": width, "height": 800})
                assert tab.evaluate("document.documentElement.scrollWidth") <= width, page
            assert [url for url in asked if not url.startswith(served)] == [], page
            tab.close()


def test_the_page_on_plans_names_every_fault_once() -> None:
    rows = re.findall(r"^\| (`\w+`.*?) \|", (ROOT / "docs" / "plans.md").read_text(), re.MULTILINE)
    named = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert sorted(named) == sorted(fault.__name__ for fault in FAULTS.values())
