"""With which errors the queue's server answered: in whose words, how often, and whose fault.

A call that was answered with an error is open, like one that nobody answered: it may have taken
effect or not. Where the environment was at fault (a full disk or memory, no connection left), the
error is no mistake of the queue, and neither is what came of it.
"""

from __future__ import annotations

import re

import numpy as np
from msgspec import Struct

from ..units import seconds
from .facts import Facts, Flags
from .history import Event
from .story import tell_error


class Trouble(Struct, frozen=True):
    """One error, in the server's own words, and how many calls it answered.

    ``first`` is the first of them in words, at ``first_s`` seconds; ``job`` is the first job that
    met it, -1: none did.
    ``environment``: it is not the queue's mistake.
    """

    said: str
    environment: bool
    calls: int
    first: str
    first_s: float
    job: int

    @property
    def sentence(self) -> str:
        """What was answered, and how often."""
        if not self.calls:
            return f"{self.first}: {self.said}"
        times = "1 call" if self.calls == 1 else f"{self.calls} calls"
        return (
            f"the queue's server answered {times} with an error, first {self.first} at "
            f"{seconds(self.first_s)}: {self.said}"
        )


def troubles(facts: Facts) -> tuple[Trouble, ...]:
    """The errors of a run: those of the environment first, then in the order of time.

    What differs in numbers only is one error, told as it came first.
    """
    alike: dict[tuple[str, bool], list[int]] = {}
    for row in _rows(facts).tolist():
        said = facts.history.words(row)
        alike.setdefault((re.sub(r"\d+", "0", said.error), said.environment), []).append(row)
    found = [_trouble(facts, rows) for rows in alike.values()]
    return tuple(sorted(found, key=lambda trouble: not trouble.environment))


def of_environment(facts: Facts) -> Flags:
    """Jobs of which a call met an error that is not the queue's mistake."""
    flags = np.zeros(facts.jobs, dtype=bool)
    rows = _rows(facts)
    rows = rows[facts.of_plan[rows]]
    for row in rows.tolist():
        flags[facts.history["job"][row]] |= facts.history.words(row).environment
    return flags


def why_environment(facts: Facts) -> str:
    """The first error that is not the queue's mistake, in a sentence; "" if there is none."""
    if not len(_rows(facts)):
        return ""
    return next((t.sentence for t in troubles(facts) if t.environment), "")


def _rows(facts: Facts) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Rows of errors: those that calls met, and those that came instead of an answer at the end."""
    history = facts.history
    erred, untold = history.where(Event.ERRED), history.where(Event.UNTOLD)
    return np.sort(np.concatenate([erred, untold[history["key"][untold] != 0]]))


def _trouble(facts: Facts, rows: list[int]) -> Trouble:
    history, row = facts.history, rows[0]
    said = history.words(row)
    asked = (history["node"][rows] >= 0) | (history["event"][rows] == Event.UNTOLD)
    return Trouble(
        said.error,
        said.environment,
        int(np.count_nonzero(asked)),
        tell_error(facts, row),
        round(float(history["t"][row]), 6),
        next((job for job in history["job"][rows].tolist() if job >= 0), -1),
    )
