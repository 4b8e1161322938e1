"""The command ``jobquake matrix``: libraries in their configurations, struck in the same ways."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ...errors import HELD, INCONCLUSIVE
from ..live import live_page, ui_option, ui_port_option
from ..options import (
    budget_option,
    confirm_option,
    fresh_option,
    json_option,
    parallel_option,
    report_option,
    time_option,
)

if TYPE_CHECKING:
    from ...backends.system import Time

SECTION = "run"
FOLDER = "matrix"


@click.command("matrix")
@click.option(
    "--only",
    multiple=True,
    metavar="TEXT",
    help="Run only cells of SHOP/CONFIGURATION/COLUMN; a beginning is enough. May be repeated.",
)
@click.option(
    "--times",
    type=click.IntRange(1, 100),
    default=3,
    show_default=True,
    help="How often to run each cell, each time with another seed.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="The first.")
@parallel_option
@budget_option
@fresh_option
@time_option
@confirm_option
@ui_option
@ui_port_option
@report_option
@json_option
def command(
    only: tuple[str, ...],
    times: int,
    seed: int,
    parallel: int,
    budget_s: float,
    fresh: bool,
    time: Time | None,
    confirm_s: float | None,
    ui: bool,
    ui_port: int,
    report: Path,
    as_json: bool,
) -> int:
    """Strike every library that jobquake knows in the same ways, at its defaults and made safe.

    Each library has a small app, in an environment of its own with exact versions, which is made
    when it is first needed. Writes a page, a table in Markdown, and all of it as JSON. What it
    finds is no failure of this command; it exits with 4 if a cell proved nothing or the budget was
    spent.

    \b
    Examples:
      jobquake matrix
      jobquake matrix --only huey --times 1
      jobquake matrix --only "saq/safe/worker killed"
    """
    import msgspec

    from ...board.board import places, play
    from ...board.cell import UNPROVED, Cell
    from ...experiments import check_writable
    from ...harness.confirm import CONFIRM_S
    from ...live.seen import boarding
    from ...reports import board as told
    from ...whole_file import write_whole

    check_writable(report)
    folder = report / FOLDER

    def tell(cell: Cell, done: int, wanted: int) -> None:
        click.echo(told.line(cell, done, wanted), err=as_json)

    wanted = places(only)
    with live_page(ui, ui_port, lambda: boarding(folder, wanted), err=as_json) as stopped:
        board = play(
            folder,
            only=only,
            seed=seed,
            times=times,
            time=time,
            parallel=parallel,
            budget_s=budget_s,
            confirm_s=CONFIRM_S if confirm_s is None else confirm_s,
            anew=fresh,
            stopped=stopped,
            tell=tell,
        )
    said = "".join(f' --only "{text}"' for text in only)
    said += "" if time is None else f" --time {time}"
    said += "" if confirm_s is None else f" --confirm {confirm_s:g}s"
    again = f"jobquake matrix --seed {seed} --times {times}{said}"
    data = msgspec.json.format(msgspec.json.encode(board)).decode()
    files = {"index.html": told.page(board), "board.md": told.markdown(board, again)}
    for name, text in {**files, "board.json": data + "\n"}.items():
        write_whole(folder / name, text)
        click.echo(f"written: {folder / name}", err=as_json)
    if as_json:
        click.echo(data)
    proved = all(ran.outcome != UNPROVED for cell in board.cells for ran in cell.runs)
    return HELD if proved and board.complete else INCONCLUSIVE
