"""What the jobs of one run did to the world: how often each effect happened since the run began.

The effect of a job has a name. ``effect_id`` says how it is made of the job's arguments; without
one it is the first argument, where that tells the jobs apart, else the id of the job itself.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..backends.framework import Counted
from ..effects.app import App as Where
from ..effects.app import AppProcess
from ..effects.sink.server import Sink
from ..effects.source import SinkCharges, Source
from ..errors import NothingProved, UsageError
from ..protocol.run_files import LEDGER
from ..proxy.loop_thread import LoopClock
from .app import App
from .inside.produce import split

SINK = "JOBQUAKE_SINK"
SHOWN = 3


class EffectTally:
    """Of a source that is asked before the run and after it. Raises NoAnswer, UsageError."""

    environment: Mapping[str, str] = {}

    def __init__(self, app: App, source: Source, jobs: Sequence[str]) -> None:
        self._where, self._source = where(app), source
        self._names = names(app, jobs)
        self._before = source.count(self._where)

    def count(self, returned: int) -> Counted:
        """``returned``: how many jobs have returned, and so had their effect, for all they know.

        Raises :class:`UsageError` if no effect has the name of a job.
        """
        found = self._source.count(self._where) - self._before
        times = {job: found[name] for job, name in enumerate(self._names)}
        strangers = sorted(found.keys() - set(self._names))
        if strangers and returned and not any(times.values()):
            raise _unnamed(self._names[0], self._source.counted, strangers)
        if returned and not found:
            raise NothingProved(
                f"expected effects of the {returned} jobs whose function returned in "
                f"{self._source.counted}, found none; is that the place where the task has them?"
            )
        return Counted(times, sum(found[name] for name in strangers))

    def close(self) -> None:
        """Nothing is left open."""


class SinkTally:
    """Of a payment API of jobquake's own, which writes each effect to the ledger when it happens.

    The app finds its address in the environment, as ``JOBQUAKE_SINK``.
    """

    def __init__(
        self,
        app: App,
        jobs: Sequence[str],
        folder: Path,
        clock: Callable[[], float],
        loop_clock: LoopClock | None,
    ) -> None:
        known = {name: job for job, name in enumerate(names(app, jobs))}
        self._sink = Sink(
            folder=folder / "sink",
            ledger=folder / LEDGER,
            job_of=lambda identifier: known.get(identifier, -1),
            clock=clock,
            loop_clock=loop_clock,
        )
        self._known = known
        self.environment: Mapping[str, str] = {SINK: self._sink.start()}

    def count(self, returned: int) -> Counted:
        """How many charges are of no job; the others are in the ledger."""
        charges = self._sink.charges
        strangers = sorted(charges.keys() - self._known.keys())
        if strangers and len(strangers) == len(charges):
            raise _unnamed(next(iter(self._known)), SinkCharges.counted, strangers)
        return Counted({}, sum(charges[name] for name in strangers))

    def close(self) -> None:
        self._sink.stop()


def tally(
    app: App,
    source: Source,
    jobs: Sequence[str],
    folder: Path,
    clock: Callable[[], float],
    loop_clock: LoopClock | None,
) -> EffectTally | SinkTally:
    """Begin to count; ``clock`` and ``loop_clock`` are the run's."""
    if isinstance(source, SinkCharges):
        return SinkTally(app, jobs, folder, clock, loop_clock)
    return EffectTally(app, source, jobs)


def _unnamed(expected: str, counted: str, found: Sequence[str]) -> UsageError:
    return UsageError(
        f"expected effects with the names of jobs, such as {expected!r}, in {counted}, found "
        f"{', '.join(map(repr, found[:SHOWN]))}; say with --effect-id how the effect of a job is "
        "called, such as 'order-{0}'"
    )


def where(app: App) -> Where:
    return Where(app.folder, Path(app.python), dict(app.env))


def names(app: App, jobs: Sequence[str]) -> list[str]:
    """What the effect of each job is called. Raises :class:`UsageError`."""
    given = list(_arguments(app, len(jobs)))
    if not app.effect_id:
        firsts = [str(next(iter([*args, *named.values()]), "")) for args, named in given]
        return firsts if len(set(firsts)) == len(jobs) and all(firsts) else list(jobs)
    try:
        made = [
            app.effect_id.format(*args, **{**named, "number": number, "job": job})
            for number, (job, (args, named)) in enumerate(zip(jobs, given, strict=True))
        ]
    except (LookupError, ValueError, AttributeError, TypeError) as error:
        raise UsageError(
            "expected --effect-id to name arguments of the task, as in 'order-{0}', or {number} or "
            f"{{job}}, found {app.effect_id!r}: {type(error).__name__}: {error}"
        ) from None
    if len(set(made)) < len(made):
        twice = Counter(made).most_common(1)[0]
        raise UsageError(
            f"expected an effect of its own for each job, found {twice[0]!r} for {twice[1]} of "
            "them; give each job its own arguments with --args MODULE:FUNCTION, or use {job}"
        )
    return made


def _arguments(app: App, jobs: int) -> Sequence[tuple[list[Any], dict[str, Any]]]:
    said = app.args.strip()
    if not said or said[:1] in "[{":
        return [split(json.loads(said)) if said else ([], {})] * jobs
    with AppProcess(where(app)) as process:
        return [split(process.ask(said, number)) for number in range(jobs)]
