"""The end of a run in which somebody's library still holds jobs: would a fresh worker do them?

What only waits for somebody to come is neither lost nor stuck for ever, and nobody can tell from
looking at it. So a worker that no fault has touched is started, past the network; and where a
library looks only when something new comes, something new comes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...backends.adapter import Connection
from ...backends.framework import Nudged
from ...protocol.commands import Measure, Measured
from ...protocol.events import Event
from .conductor import pending
from .observe import Observation
from .pace import Pace
from .tree import Running

LONGEST_S, LEAST_S, LOOK_S, QUIET_S = 120.0, 20.0, 0.5, 1.0


def worth_it(seen: Sequence[Observation], overdue: bool) -> bool:
    """Whether something is held that does not come back by itself; or that should have by now."""
    held = {one.job for one in seen if one.event == Event.HELD}
    due = set() if overdue else {one.job for one in seen if one.event == Event.DUE}
    return bool(held - due)


def watch(
    fresh: Running, look: Callable[[], int], broker: Connection, pace: Pace, within_s: float
) -> None:
    """Let the worker do what it does, for ``within_s`` seconds at most.

    ``look`` supervises the others, and says how many rows the ledger has.
    """
    if isinstance(broker, Nudged):
        broker.nudge()
    rows, moved_at = look(), pace.now_s()
    until = moved_at + min(LONGEST_S, max(within_s, LEAST_S))
    while (now := pace.now_s()) < until and fresh.poll() is None:
        if (found := look()) != rows:
            rows, moved_at = found, now
        measured = broker.attempt(Measure())
        if isinstance(measured, Measured) and not pending(measured) and now > moved_at + QUIET_S:
            break
        pace.nap(now + LOOK_S)
    look()


def told(before: Sequence[Observation], after: list[Observation]) -> list[Observation]:
    """What is seen at last. What the worker did is still told as held: it was, till it came."""
    held = {one.job for one in after if one.event == Event.HELD}
    return [one for one in before if one.event == Event.HELD and one.job not in held] + after
