"""What the doctor found, as a table on a terminal and as plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from ..servers.doctor import Examined

COLOURS = {"here": "green", "missing": "yellow", "broken": "red"}


def tell(examined: Sequence[Examined], console: Console) -> None:
    """Everything with its state; below, what to do about what is not here."""
    if console.is_terminal:
        table = Table("", "thing", "version", "place", box=None)
        for thing in examined:
            words = (thing.state, thing.name, thing.version, _place(thing))
            table.add_row(*words, style=COLOURS[thing.state])
        console.print(table)
    else:
        width = max(20, *(len(thing.name) for thing in examined))
        for thing in examined:
            line = f"{thing.state:<8} {thing.name:<{width}} {thing.version:<12} {_place(thing)}"
            console.print(line.rstrip(), soft_wrap=True)
    for thing in examined:
        if thing.state != "here":
            console.print(f"{thing.name}: {thing.error}", soft_wrap=True)
            off = "every run" if thing.needed else thing.without
            console.print(
                f"  unavailable without it: {off}; install it with: {thing.get}", soft_wrap=True
            )


def _place(thing: Examined) -> str:
    if thing.stop_s is None:
        return thing.place
    return f"{thing.place}  started in {thing.start_s:.2f} s, stopped in {thing.stop_s:.2f} s"
