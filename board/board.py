"""The whole board: which cells there are, all of them run, those that are known not again."""

from __future__ import annotations

import time as clock
from collections.abc import Callable, Sequence
from math import inf
from pathlib import Path

from msgspec import Struct

from ..backends.system import Time
from ..errors import UsageError
from ..frameworks.shop import CONFIGURATIONS, Shop, shops
from ..harness.confirm import CONFIRM_S
from ..kept import Kept
from ..pools import as_done, end_with_parent, spawned
from .cell import Cell, run_cell
from .columns import COLUMNS

TIMES = 3
Place = tuple[str, str, str]  # shop, configuration, column


class Board(Struct, frozen=True):
    """``wanted``: how many cells there are to be, of which ``cells`` are known."""

    cells: tuple[Cell, ...]
    wanted: int
    seed: int
    times: int
    real_s: float

    @property
    def complete(self) -> bool:
        return len(self.cells) == self.wanted

    def cell(self, shop: str, configuration: str, column: str) -> Cell | None:
        return next((c for c in self.cells if c.key == (shop, configuration, column)), None)

    @property
    def rows(self) -> list[tuple[str, str]]:
        """Shop and configuration of each row that has a cell, shops as they are listed."""
        return list(dict.fromkeys((cell.shop, cell.configuration) for cell in self.cells))

    @property
    def columns(self) -> list[str]:
        known = {cell.column for cell in self.cells}
        return [column.name for column in COLUMNS if column.name in known]


def places(only: Sequence[str]) -> list[Place]:
    """The cells of whose names, ``huey/safe/poison``, a part begins with one of these texts.

    Without a text all of them. Raises :class:`UsageError` if a text names none.
    """
    every = [
        (shop, configuration, column.name)
        for shop in shops()
        for configuration in CONFIGURATIONS
        for column in COLUMNS
    ]
    for text in only:
        if not any(_is_named(place, text) for place in every):
            raise UsageError(
                f"expected a beginning of SHOP, CONFIGURATION or COLUMN, found {text!r}; shops are "
                f"{', '.join(shops())}, columns {', '.join(column.name for column in COLUMNS)}"
            )
    return [place for place in every if not only or any(_is_named(place, one) for one in only)]


def _is_named(place: Place, text: str) -> bool:
    return f"/{text}" in f"/{'/'.join(place)}"


def play(
    folder: Path,
    *,
    only: Sequence[str] = (),
    seed: int = 0,
    times: int = TIMES,
    time: Time | None = None,
    parallel: int = 2,
    budget_s: float = inf,
    confirm_s: float = CONFIRM_S,
    anew: bool = False,
    stopped: Callable[[], bool] = lambda: False,
    tell: Callable[[Cell, int, int], None] = lambda cell, done, wanted: None,
) -> Board:
    """Run what is not kept in ``folder`` yet, within ``budget_s`` seconds; all that is known then.

    None begins once ``stopped()``. ``tell`` is called with each cell that is done, how many are,
    and how many are wanted.
    """
    begun_s, wanted = clock.monotonic(), places(only)
    kept = Kept(folder, f"{seed}-{times}-{time}-{confirm_s:g}-{_all_settings()}", Cell, anew)
    left = [place for place in wanted if place not in kept.cells]
    if left:
        work = ((*place, seed, times, time, confirm_s) for place in left)
        with spawned(min(parallel, len(left)), end_with_parent) as pool:
            for cell in as_done(pool, run_cell, work, parallel, begun_s + budget_s, stopped):
                kept.add(cell)
                done = sum(place in kept.cells for place in wanted)
                tell(cell, done, len(wanted))
    cells = tuple(kept.cells[place] for place in wanted if place in kept.cells)
    return Board(cells, len(wanted), seed, times, clock.monotonic() - begun_s)


def _all_settings() -> str:
    """What cells depend on besides: another configuration, and they are run again."""
    said: list[Shop] = [shop for _, shop in shops().values()]
    return repr([(shop.name, [one.text for one in shop.safe]) for shop in said])
