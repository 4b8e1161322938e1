"""What an exploration has seen so far: counts, orders, findings, and each run in a line."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from msgspec import Struct

from ..outcome import Outcome
from .finding import Finding

MOST_LISTED = 10_000


class Listed(Struct, frozen=True):
    """One run in a line. ``told`` are its strikes; ``missed`` of them never struck.

    ``sentence`` is about the job with that outcome, or says why the run proves nothing.
    """

    number: int
    how: str
    told: tuple[str, ...]
    missed: int
    jobs: int
    workers: int
    outcome: Outcome
    sentence: str
    again: str


@dataclass
class Search:
    """What has been seen so far; ``seconds`` since the beginning.

    ``runs`` are those of drawn plans, ``trials`` all others. ``partly`` are runs in which a strike
    never came, ``seen`` what was to be seen. ``doing`` is what goes on beside drawing. The first
    ``known`` findings were known before; of those that were, some are ``mended``.
    """

    seed: int
    runs: int = 0
    trials: int = 0
    partly: int = 0
    seconds: float = 0.0
    interrupted: bool = False
    doing: str = ""
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    seen: set[str] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)
    mended: list[Finding] = field(default_factory=list)
    known: int = 0
    listed: list[Listed] = field(default_factory=list)

    @property
    def orders(self) -> int:
        """How many orders of named boundaries there were."""
        return sum(1 for one in self.seen if not one.rpartition(" -> ")[1])

    @property
    def accused(self) -> list[Finding]:
        """The findings that still accuse somebody."""
        return [finding for finding in self.findings if not finding.vanished]

    @property
    def proved(self) -> int:
        """Runs that prove something: every strike struck, and no job was in doubt."""
        return self.runs - self.partly - self.outcomes["unproved"] - self.outcomes["not hit"]
