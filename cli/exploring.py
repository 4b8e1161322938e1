"""``jobquake explore --app``: shows and keeps what a search on an app's own workers finds."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import HELD, INCONCLUSIVE, INTERRUPTED, VIOLATED
from .app_options import AppAsked
from .options import OF_TESTS

if TYPE_CHECKING:
    from rich.console import Console

    from ..sweep.clean import Clean
    from ..sweep.exploring.explored import Explored, Wishes
    from ..sweep.exploring.finding import Finding
    from ..sweep.exploring.search import Search

EVERY_S = 10.0


def explore_app(
    app: AppAsked, wishes: Wishes, failures: Path | None, as_json: bool, full: bool
) -> int:
    """Explore, tell, and write the pages; the exit code."""
    import msgspec
    from msgspec.structs import replace

    from ..experiments import check_writable
    from ..reports import exploring, terminal
    from ..reports.sweep import text
    from ..sweep.exploring.explored import explore
    from .os_errors import os_errors_told

    root = OF_TESTS if failures is None else failures
    console = terminal.console(stderr=as_json)
    system = app.system()
    check_writable(root)
    folder = root / folder_of(system.app.target, system.task)
    began = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")

    def begun(clean: Clean) -> None:
        text.clean(clean, console)

    with os_errors_told(), _shown(console) as show:
        seen = explore(system, folder, wishes, begun, show)
        seen = replace(seen, began=began, host=platform.node())
        for finding in seen.findings:
            _page(finding)
        exploring.tell(seen, console, full)
        for file in write(seen, folder):
            console.print(f"written: {file}", soft_wrap=True)
    if as_json:
        click.echo(msgspec.json.encode(seen))
    return code(seen)


def code(seen: Explored) -> int:
    """What the command ends with."""
    if seen.accused:
        return VIOLATED
    if seen.interrupted:
        return INTERRUPTED
    return HELD if seen.proved and not seen.findings else INCONCLUSIVE


def folder_of(target: str, task: str) -> str:
    """Where the exploration of that task is kept, within the folder for failures."""
    from ..harness.run_folder import folder_name

    return folder_name("explore", target, task)


def write(seen: Explored, folder: Path) -> list[Path]:
    """The page and the results; where they are."""
    import msgspec

    from ..reports import exploring
    from ..whole_file import write_whole

    texts = {
        folder / "explore.html": exploring.page(seen),
        folder / "explore.json": msgspec.json.format(msgspec.json.encode(seen)).decode() + "\n",
    }
    for file, said in texts.items():
        write_whole(file, said)
    return list(texts)


def _page(finding: Finding) -> None:
    """The page of the run that shows the finding, beside it."""
    from ..harness.run_folder import load
    from ..reports import html
    from ..whole_file import write_whole

    page = Path(finding.folder, "report.html")
    if finding.folder and not page.exists():
        run = load(page.parent)
        write_whole(page, html.page(run.result, run.plan, run.claims, run.history))


@contextmanager
def _shown(console: Console) -> Iterator[Callable[[Search], None]]:
    """Shows the progress: a line that changes on a terminal, now and then a line elsewhere."""
    from rich.text import Text

    from ..reports.exploring import headline

    if console.is_terminal:
        with console.status(Text("the clean run ...")) as status:
            yield lambda search: status.update(Text(headline(search)))
        return
    shown_at, found = 0.0, 0

    def tell(search: Search) -> None:
        nonlocal shown_at, found
        if search.seconds - shown_at >= EVERY_S or len(search.findings) != found:
            shown_at, found = search.seconds, len(search.findings)
            console.print(headline(search), soft_wrap=True)

    yield tell
