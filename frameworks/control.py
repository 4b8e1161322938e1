"""What the broker of an app holds, in the harness's words; read anew when it is no longer fresh."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from ..errors import EnvironmentFault
from ..protocol.commands import Command, Depth, Inspect, Inspected, Measure, Measured, Reply, State
from .library import Held

FRESH_S = 0.02
SAME_S = 0.5


class Control:
    """``held`` reads it, and raises OSError, EnvironmentFault if it cannot.

    ``notices_s`` is how long a worker may take to notice that one of its processes is dead,
    ``nudges`` sends a message that makes workers look, where they need one. What was read is taken
    as it is for ``fresh_s``.
    """

    def __init__(
        self,
        held: Callable[[], Held],
        notices_s: float,
        nudges: Callable[[], object] | None = None,
        fresh_s: float = FRESH_S,
    ) -> None:
        self._read, self._notices_s, self._nudges = held, notices_s, nudges
        self._fresh_s = fresh_s
        self._jobs: Mapping[str, Inspected] = {}
        self._read_at = -fresh_s
        self._held: dict[str, float] = {}
        self._now = self._moved_at = 0.0

    def attempt(self, command: Command) -> Reply | None:
        try:
            if isinstance(command, Measure) or time.monotonic() > self._read_at + self._fresh_s:
                self._jobs, self._now = self._read()
                self._read_at = time.monotonic()
                self._see_moves()
        except (OSError, EnvironmentFault):
            return None
        if isinstance(command, Measure):
            return Measured(tuple(self._depths()), {}, due_s=self._due_s())
        if isinstance(command, Inspect):
            return self._jobs.get(command.job_id, Inspected(None))
        return None

    def nudge(self) -> None:
        """See :class:`..backends.framework.Nudged`."""
        if self._nudges:
            self._nudges()

    def _due_s(self) -> float | None:
        """In how many seconds the first job comes back, where nothing else can come."""
        held = [job for job in self._jobs.values() if job.state in ("ready", "leased")]
        dues = [job.due_s for job in held if job.due_s is not None]
        rests_s = self._now - self._moved_at
        if not held or len(dues) < len(held) or rests_s < self._notices_s:
            return None
        return min(dues)

    def _see_moves(self) -> None:
        """Note when a job has last come or gone, or was handed out anew, which moves its end."""
        now = self._now
        held = {
            name: now + job.due_s if job.due_s is not None else 0.0
            for name, job in self._jobs.items()
            if job.state in ("ready", "leased")
        }
        same = held.keys() == self._held.keys()
        if not same or any(abs(held[name] - self._held[name]) > SAME_S for name in held):
            self._held, self._moved_at = held, now

    def _depths(self) -> list[Depth]:
        states: tuple[State, ...] = ("ready", "leased")
        held = [job.state for job in self._jobs.values()]
        return [Depth("", state, held.count(state), 0.0) for state in states]

    def close(self) -> None:
        """Each look has a connection of its own."""
