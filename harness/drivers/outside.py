"""What is known of a run outside of queue and workers: effects that somebody counts, and answers to
what the team says is always, eventually or never so.

Only a framework's app has that. Nobody is asked while faults are being carried out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ...backends.framework import Asked, FrameworkSystem, Tally, Witnessed
from ...protocol.events import Event, Row
from ...protocol.ledger import Ledger
from ..plan.plan import Plan
from ..properties import Judgement
from .pace import Pace
from .poller import Poller


class Outside:
    """Of one run of ``system``."""

    def __init__(self, plan: Plan, system: FrameworkSystem) -> None:
        self._jobs = [plan.job_id(job) for job in range(len(plan.jobs))]
        self._system = system if isinstance(system, Witnessed) else None
        self._tally: Tally | None = None
        self._asked: Asked | None = None
        self._poller: Poller | None = None
        self.judgements: Sequence[Judgement] = ()

    @property
    def environment(self) -> Mapping[str, str]:
        """What the processes of the run have in their environment."""
        return self._tally.environment if self._tally else {}

    def prepare(self, folder: Path, pace: Pace) -> None:
        """What there is before the run does not count. Raises JobquakeError."""
        if self._system:
            self._pace = pace
            self._tally = self._system.tally(folder, self._jobs, pace.now_s, pace.loop_clock)

    def poll(self) -> None:
        """The run goes on: ask what is to be asked now. The first time it has just begun."""
        if not self._system or not self._system.properties:
            return
        if self._poller is None:
            self._asked = self._system.asked()
            self._poller = Poller(self._system.properties, self._asked.ask, self._pace.now_s)
        self._poller.tick()

    def finish(self, ledger: Ledger, rows: Sequence[Row]) -> None:
        """The run is over, and ``rows`` are what the ledger has by then."""
        if self._poller:
            self.judgements = self._poller.finish()
        if not self._tally:
            return
        counted = self._tally.count(len({row.job for row in rows if row.event == Event.RETURNED}))
        for job, times in counted.times.items():
            ledger.write(Event.COUNTED, job=job, value=float(times))
        if counted.strangers:
            ledger.write(Event.COUNTED, value=float(counted.strangers))

    def close(self) -> None:
        if self._tally:
            self._tally.close()
        if self._asked:
            self._asked.close()
