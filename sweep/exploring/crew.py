"""Processes that run plans, each on servers of its own: a run belongs to a main thread."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from ...harness.plan.plan import Plan
from ...harness.plan.replay import encode, unpack
from ...pools import end_with_parent, spawned
from ..outcome import Outcome
from .attempt import Asked, Tried, attempt, shown

_here: list[Asked] = []  # in a process of the crew


class Crew(Protocol):
    """Who runs plans, ``size`` of them at once."""

    @property
    def size(self) -> int: ...

    def sent(self, plan: Plan) -> str:
        """The plan as a replay string."""

    def again(self, plan: Plan) -> str:
        """What to type to run that plan."""

    def attempt(self, plan: Plan) -> Future[Tried]: ...

    def shown(
        self, plan: Plan, folder: Path, wanted: Sequence[Outcome], tries: int
    ) -> Future[Tried]: ...


class Processes:
    """See :class:`Crew`; raises BrokenProcessPool if one of them has died."""

    def __init__(self, asked: Asked, size: int) -> None:
        self.size = size
        self._system = asked.system
        self._pool: ProcessPoolExecutor = spawned(size, _begin, asked)

    def sent(self, plan: Plan) -> str:
        return encode(plan, self._system.name, "process")

    def again(self, plan: Plan) -> str:
        return f"jobquake replay '{self.sent(plan)}' {self._system.options}"

    def attempt(self, plan: Plan) -> Future[Tried]:
        return self._submit(_attempt, self.sent(plan))

    def shown(
        self, plan: Plan, folder: Path, wanted: Sequence[Outcome], tries: int
    ) -> Future[Tried]:
        return self._submit(_shown, self.sent(plan), folder, tuple(wanted), tries)

    def _submit(self, run: Any, *given: object) -> Future[Tried]:
        future: Future[Tried] = self._pool.submit(run, *given)
        return future

    def close(self) -> None:
        """End every process at once; the guard of what it ran leaves nothing behind."""
        processes = list((self._pool._processes or {}).values())
        self._pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.terminate()
        for process in processes:
            process.join()


@contextmanager
def crew_of(asked: Asked, size: int) -> Iterator[Processes]:
    """So many processes; they are gone after the block."""
    crew = Processes(asked, size)
    try:
        yield crew
    finally:
        crew.close()


def _begin(asked: Asked) -> None:
    # Ctrl-C is for whoever started us. What we start must not inherit that, so no SIG_IGN.
    signal.signal(signal.SIGINT, lambda *_: None)
    end_with_parent()
    _here.append(asked)


def _attempt(sent: str) -> Tried:
    return attempt(_here[0], unpack(sent).plan)


def _shown(sent: str, folder: Path, wanted: Sequence[Outcome], tries: int) -> Tried:
    return shown(_here[0], unpack(sent).plan, folder, wanted, tries)
