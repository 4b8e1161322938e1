"""A sweep that nobody ran, small enough to know every cell of."""

from __future__ import annotations

from jobquake.sweep.boundaries import Boundary
from jobquake.sweep.cell import Cell
from jobquake.sweep.outcome import Outcome
from jobquake.sweep.swept import Swept
from jobquake.sweep.ways import ways_of

PUSH = Boundary("producer", "LPUSH q", 1, True, False, "Resp", 0.01)
POP = Boundary("worker", "BRPOP q", 0, True, False, "Resp", 0.02)
ACK = Boundary("worker", "MULTI HDEL unacked", 1, False, False, "Resp", 0.05)
HELLO = Boundary("worker", "HELLO", 1, False, True, "Resp", 0.0)


def cell(boundary: Boundary, way: str, outcome: Outcome = "done", sentence: str = "so") -> Cell:
    story = ("1.00 s: p1 sent the enqueue", "1.01 s: <b>w1</b> was killed")
    again = "jobquake replay 'jq1:x' --app shop:app"
    return Cell(
        boundary.key, way, outcome, "done", sentence, story, done_s=0.5, replay=again, real_s=2.0
    )


def swept(
    outcomes: dict[tuple[Boundary, str], Outcome] | None = None,
    boundaries: tuple[Boundary, ...] = (PUSH, POP, ACK),
    library: str = "Celery 5.7.0",
    missing: int = 0,
) -> Swept:
    """Every cell is done, but for these outcomes and the last cells that are ``missing``."""
    given = outcomes or {}
    cells = [
        cell(boundary, way.name, given.get((boundary, way.name), "done"))
        for boundary in boundaries
        for way in ways_of(boundary)
    ]
    return Swept(
        "shop:app", "shop.charge", library, {"task_acks_late": "true"}, "--app shop:app",
        boundaries, (HELLO,), (), 0.3, tuple(cells[: len(cells) - missing]), 3700.0,
        "visibility_timeout=3600", 3700.0, 120.0, "leaping",
    )  # fmt: skip
