"""The command ``jobquake sweep``: every round trip of an app's task, broken in every way."""

from __future__ import annotations

import platform
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ...errors import HELD, INCONCLUSIVE, VIOLATED, UsageError
from ..app_options import AppAsked, app_alone
from ..live import live_page, ui_option, ui_port_option
from ..options import (
    budget_option,
    confirm_option,
    expect_option,
    fresh_option,
    full_option,
    json_option,
    parallel_option,
    record_option,
    report_option,
    time_option,
)

if TYPE_CHECKING:
    from ...backends.system import Time
    from ...known import Differences
    from ...sweep.boundaries import Boundary
    from ...sweep.clean import Clean
    from ...sweep.expected import Expected
    from ...sweep.swept import Swept

SECTION = "run"


@click.command("sweep")
@click.option(
    "--only",
    multiple=True,
    metavar="TEXT",
    help="Break only round trips with this text in their names; may be repeated.",
)
@click.option(
    "--connections",
    "opening",
    is_flag=True,
    help="Break round trips that only open a connection, too.",
)
@budget_option
@parallel_option
@fresh_option
@expect_option
@record_option
@time_option
@confirm_option
@ui_option
@ui_port_option
@report_option
@json_option
@full_option
@app_alone
def command(
    only: tuple[str, ...],
    opening: bool,
    budget_s: float,
    parallel: int,
    fresh: bool,
    expect: Path | None,
    record: Path | None,
    time: Time | None,
    confirm_s: float | None,
    ui: bool,
    ui_port: int,
    report: Path,
    as_json: bool,
    full: bool,
    app: AppAsked | None,
) -> int:
    """Break every round trip of a task's life in every way, one at a time, and judge each run.

    A clean run shows which round trips there are, between producer and broker and between worker
    and broker. Then each is lost, cut, late and silent, and whoever asks is killed before and after
    it, each in a run from a fresh state. Exits with 1 if work was lost or stood still, or, with
    --expect, if anything differs from the file; with 4 if a run proved nothing or the budget was
    spent. Work that is lost or stands still in leaping time is repeated in real time.

    \b
    Examples:
      jobquake sweep --app shop.celery:app --task shop.charge --args '[1]'
      jobquake sweep --app shop.celery:app --task shop.charge --args '[1]' --budget 180
      jobquake sweep --app shop.celery:app --task shop.charge --record sweep.toml
      jobquake sweep --app shop.celery:app --task shop.charge --expect sweep.toml
    """
    from msgspec.structs import replace
    from rich.text import Text

    from ...experiments import check_writable
    from ...harness.confirm import CONFIRM_S
    from ...live.seen import Seen, sweeping
    from ...reports import differences, terminal
    from ...reports.sweep import text
    from ...sweep import expected
    from ...sweep.sweep import sweep
    from ...sweep.ways import ways_of

    if app is None:
        raise UsageError("expected --app, found none; name your app as its workers do")
    if report.suffix == ".html":
        raise UsageError(f"expected a folder for the page and its cells, found {report}; name one")
    system = app.system()
    check_writable(report)
    known = expected.narrowed(expected.read(expect), only) if expect else None
    earlier = expected.read(record) if record and record.exists() else known
    console = terminal.console(stderr=as_json)
    folder = report / folder_of(system.app.target, system.task)
    wanted = list[tuple[str, str]]()
    began = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    title = f"Sweep of {system.task} of {system.app.target}"

    def look() -> Seen:
        return sweeping(title, folder, wanted)

    with (
        live_page(ui, ui_port, look, err=as_json) as stopped,
        console.status(Text("the clean run ...")) as status,
    ):

        def begun(found: Clean, chosen: Sequence[Boundary]) -> None:
            text.clean(found, console)
            wanted.extend(
                (boundary.key, way.name) for boundary in chosen for way in ways_of(boundary)
            )

        def tell(now: object) -> None:
            line = text.progress(now)  # type: ignore[arg-type]
            status.update(Text(line))
            if not console.is_terminal and sys.stderr.isatty():
                click.echo(line, err=True)

        swept = sweep(
            system,
            folder,
            time=time or app.time,
            patience_s=app.patience_s,
            parallel=parallel,
            budget_s=budget_s,
            only=only,
            opening=opening,
            anew=fresh,
            confirm_s=CONFIRM_S if confirm_s is None else confirm_s,
            begun=begun,
            stopped=stopped,
            tell=tell,
        )
    swept = replace(swept, began=began, host=platform.node())
    text.tell(swept, console, full)
    differs = expected.compare(swept, known) if known else None
    if differs:
        differences.tell(differs, console)
    for file in write(swept, folder, known, differs, record, earlier):
        console.print(f"written: {file}", soft_wrap=True)
    if as_json:
        import msgspec

        click.echo(msgspec.json.encode(swept))
    return code(swept, differs)


def folder_of(target: str, task: str) -> str:
    """Where the sweep of that task is kept, within the folder for reports."""
    name = f"sweep-{target}-{task}"
    return "".join(letter if letter.isalnum() or letter in "._-" else "-" for letter in name)


def write(
    swept: Swept,
    folder: Path,
    known: Expected | None,
    differs: Differences | None,
    record: Path | None,
    earlier: Expected | None,
) -> list[Path]:
    """The page, the results, and the expectation; where they are."""
    import msgspec

    from ...reports.sweep import junit, page
    from ...sweep.expected import recorded
    from ...whole_file import write_whole

    texts = {
        folder / "sweep.html": page.page(swept, known, differs),
        folder / "sweep.json": msgspec.json.format(msgspec.json.encode(swept)).decode() + "\n",
        folder / "junit.xml": junit.render(swept, known),
    }
    if record:
        texts[record] = recorded(swept, earlier)
    for file, said in texts.items():
        write_whole(file, said)
    return list(texts)


def code(swept: Swept, differs: Differences | None) -> int:
    """What the command ends with."""
    if differs is not None:
        if differs.red:
            return VIOLATED
        return INCONCLUSIVE if differs.missing else HELD
    if swept.findings:
        return VIOLATED
    return INCONCLUSIVE if swept.unproved or not swept.complete else HELD
