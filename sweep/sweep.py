"""A sweep from the clean run to what it showed."""

from __future__ import annotations

import time as clock
from collections.abc import Callable, Sequence
from math import inf
from pathlib import Path

from ..backends.system import Time
from ..errors import UsageError
from ..frameworks.system import AppSystem
from ..harness.confirm import CONFIRM_S
from ..kept import Kept
from .boundaries import Boundary
from .cell import Cell
from .clean import Clean, clean_run, fingerprint, settings_of, waits
from .conduct import Progress, conduct
from .swept import Swept

HISTORIES = "vanished"  # the folder of runs whose finding real time has not shown


def sweep(
    system: AppSystem,
    folder: Path,
    *,
    time: Time | None = None,
    patience_s: float | None = None,
    parallel: int = 2,
    budget_s: float = inf,
    only: Sequence[str] = (),
    opening: bool = False,
    anew: bool = False,
    confirm_s: float = CONFIRM_S,
    begun: Callable[[Clean, Sequence[Boundary]], None] = lambda clean, chosen: None,
    stopped: Callable[[], bool] = lambda: False,
    tell: Callable[[Progress], None] = lambda progress: None,
) -> Swept:
    """Break every round trip of the app's task in every way; what is done is kept in ``folder``.

    ``patience_s`` is how long a cell waits for what the library brings back by itself, by default
    as long as its settings say in leaping time, and 30 s in real time. ``only``: round trips with
    one of these texts in their names. ``opening``: those that only open connections, too.
    What leaping time shows to be violated is repeated in real time unless that run took longer than
    ``confirm_s``.
    ``begun`` is told of the clean run and of what is to be broken, ``tell`` of each cell. Once
    ``stopped()``, no further cell begins.

    Raises :class:`NothingProved` if the clean run was none, :class:`UsageError`,
    :class:`EnvironmentFault`.
    """
    started_s = clock.monotonic()
    recovery = system.library.recovery(system.looked)
    clean = clean_run(system, time)
    broken = [b for b in clean.boundaries if opening or not b.opens]
    chosen = [b for b in broken if not only or any(text in b.key for text in only)]
    if not chosen:
        names = ", ".join(b.key for b in broken)
        raise UsageError(f"expected --only to name a round trip, found none; there are {names}")
    begun(clean, chosen)
    waits_s = waits(system, time, patience_s)
    kept = Kept(folder, f"{fingerprint(system, clean)}-{waits_s:g}-{confirm_s:g}", Cell, anew)
    left_s = budget_s - (clock.monotonic() - started_s)
    cells = conduct(
        system, chosen, kept, waits_s,
        clean=clean.effects, behind=clean.behind, time=time, parallel=parallel, budget_s=left_s,
        confirm_s=confirm_s, histories=folder / HISTORIES, stopped=stopped, tell=tell,
    )  # fmt: skip
    looked = system.looked
    return Swept(
        app=system.app.target,
        task=system.task,
        library=f"{system.library.title} {looked.version}",
        settings=settings_of(system),
        options=system.options,
        boundaries=tuple(chosen),
        opening=tuple(b for b in clean.boundaries if b.opens and not opening),
        effects=clean.effects,
        clean_s=round(clean.done_s, 3),
        cells=tuple(cells),
        recovery_s=recovery.seconds,
        recovery_why=recovery.why,
        waited_s=waits_s,
        real_s=round(clock.monotonic() - started_s, 1),
        time=clean.time,
    )
