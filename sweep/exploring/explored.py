"""An exploration from the clean run to what it found, as plain data for a page and a machine."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct

from ...backends.system import Time
from ...errors import UsageError
from ...frameworks.system import AppSystem
from ...harness.confirm import CONFIRM_S
from ...kept import Kept, cells_in
from ..cell import Cell
from ..clean import Clean, clean_run, fingerprint, queue_of, settings_of, waits
from ..outcome import Outcome
from .attempt import Asked
from .crew import crew_of
from .draw import Ground, Space
from .explore import Limits, explored
from .finding import Finding
from .search import Listed, Search


class Explored(Struct, frozen=True):
    """What an exploration of one task of one app showed. Times are seconds.

    ``boundaries`` are those of the clean run that were struck, ``outcomes`` counts the runs of
    drawn plans by their gravest. ``waited_s`` is how long a run waited for what the library brings
    back by itself. ``swept`` are strikes that a sweep knows. ``began``, in UTC, and ``host``: when
    and where, if a command explored.
    """

    app: str
    task: str
    library: str
    settings: dict[str, str]
    options: str
    seed: int
    boundaries: tuple[str, ...]
    runs: int
    trials: int
    partly: int
    proved: int
    orders: int
    outcomes: dict[Outcome, int]
    findings: tuple[Finding, ...]
    mended: tuple[Finding, ...]
    listed: tuple[Listed, ...]
    seconds: float
    waited_s: float
    time: str
    interrupted: bool = False
    swept: tuple[str, ...] = ()
    began: str = ""
    host: str = ""

    @property
    def accused(self) -> list[Finding]:
        """The findings that real time does not take back."""
        return [finding for finding in self.findings if not finding.vanished]


class Wishes(NamedTuple):
    """How to explore. ``patience_s`` None: as long as the library needs, 30 s in real time.

    ``swept``: the folder of a sweep of the task, whose findings are not looked for again.
    """

    seed: int = 0
    limits: Limits = Limits()
    space: Space = Space()
    parallel: int = 2
    time: Time | None = None
    patience_s: float | None = None
    confirm_s: float = CONFIRM_S
    anew: bool = False
    swept: Path | None = None


def explore(
    system: AppSystem,
    folder: Path,
    wishes: Wishes,
    begun: Callable[[Clean], None] = lambda clean: None,
    progress: Callable[[Search], None] = lambda search: None,
) -> Explored:
    """Explore the app's task; what is found is kept in ``folder``.

    Raises :class:`NothingProved` if the clean run was none, :class:`EnvironmentFault`.
    """
    recovery_s = system.library.recovery(system.looked).seconds
    clean = clean_run(system, wishes.time)
    begun(clean)
    waits_s = waits(system, wishes.time, wishes.patience_s)
    struck = tuple(boundary for boundary in clean.boundaries if not boundary.opens)
    ground = Ground(queue_of(system), struck, recovery_s, waits_s, wishes.space)
    kept = Kept(folder, f"{fingerprint(system, clean)}-{waits_s:g}", Finding, wishes.anew)
    asked = Asked(system, clean.idle, wishes.time, clean.effects, wishes.confirm_s)
    swept = found_by(wishes.swept) if wishes.swept else frozenset[str]()
    with crew_of(asked, wishes.parallel) as crew:
        search = explored(crew, ground, wishes.limits, kept, folder, wishes.seed, progress=progress)
    looked = system.looked
    return Explored(
        app=system.app.target,
        task=system.task,
        library=f"{system.library.title} {looked.version}",
        settings=settings_of(system),
        options=system.options,
        seed=wishes.seed,
        boundaries=tuple(boundary.key for boundary in struck),
        runs=search.runs,
        trials=search.trials,
        partly=search.partly,
        proved=search.proved,
        orders=search.orders,
        outcomes=dict(search.outcomes),
        findings=tuple(search.findings),
        mended=tuple(search.mended),
        listed=tuple(search.listed),
        seconds=round(search.seconds, 1),
        waited_s=waits_s,
        time=clean.time,
        interrupted=search.interrupted,
        swept=tuple(sorted(swept)),
    )


def found_by(folder: Path) -> frozenset[str]:
    """By the names of their strikes, the cells of the sweep kept there that broke something.

    Raises :class:`UsageError` if none is kept there.
    """
    cells = cells_in(folder, Cell)
    if not cells:
        raise UsageError(
            f"expected the folder of a sweep, found {folder}, which holds no cells; name the one "
            "that 'jobquake sweep' wrote to, such as jobquake-runs/sweep-shop-app-shop.charge"
        )
    ordinal = re.compile(r" \(\d+\)$")
    return frozenset(
        f"{ordinal.sub('', cell.boundary)}, {cell.way}"
        for cell in cells
        if cell.gravity == "violated"
    )
