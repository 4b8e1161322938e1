"""The command ``jobquake open``: the newest page, in a browser."""

from __future__ import annotations

import webbrowser
from collections.abc import Iterator
from pathlib import Path

import click

from ...errors import UsageError
from ..options import KEPT

SECTION = "tell"


@click.command("open")
@click.argument("place", required=False, type=click.Path(path_type=Path))
@click.option("--print", "printed", is_flag=True, help="Print where the page is, open nothing.")
def command(place: Path | None, printed: bool) -> int:
    """Show the newest page in a browser: of a run, a test, a search, a sweep or a soak.

    PLACE is a page or a folder to look in. Without it the folders are looked through in which
    jobquake keeps pages, below this one.

    \b
    Examples:
      jobquake open
      jobquake open jobquake-runs/network-timeout-default-reference-sim-0
    """
    page = newest(place)
    click.echo(page)
    if not printed and not webbrowser.open(page.resolve().as_uri()):
        click.echo("expected a browser to show it in, found none; open the file yourself", err=True)
    return 0


def newest(place: Path | None) -> Path:
    """The page that was written last. Raises :class:`UsageError` if there is none."""
    places = KEPT if place is None else (place,)
    found = [page for where in places for page in _pages(where)]
    if not found:
        where = f"below {place}" if place else f"in {', '.join(map(str, KEPT))}"
        raise UsageError(
            f"expected a page {where}, found none; jobquake run and jobquake demo write one"
        )
    return max(found, key=lambda page: page.stat().st_mtime_ns)


def _pages(where: Path) -> Iterator[Path]:
    if where.is_file():
        yield where
    yield from where.rglob("*.html")
