"""``--ui`` of commands that work for long: their page on this machine, and its button."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ..live.seen import Look

ui_option = click.option(
    "--ui", is_flag=True,
    help="Serve a page on this machine that shows how far it is and what it finds, with a button "
    "that ends it and keeps its results.",
)  # fmt: skip
ui_port_option = click.option(
    "--ui-port", type=click.IntRange(0, 65535), default=0, metavar="PORT",
    help="Port of that page [default: any free one].",
)  # fmt: skip


@contextmanager
def live_page(ui: bool, port: int, look: Look, err: bool = False) -> Iterator[Callable[[], bool]]:
    """Serve the page if it is wanted; gives what says whether its button was pressed."""
    if not ui:
        yield lambda: False
        return
    from ..live.server import served

    with served(look, port) as live:
        click.echo(f"page {live.address}", err=err)
        yield live.stopped
