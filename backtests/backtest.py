"""What a backtest says of itself, and what came of it on one version of the library."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from msgspec import Struct

from ..harness.finding import Verdict
from ..listing import files, held
from .stage import Broker, Stage

BUGS = f"{__package__}.bugs"
APPS = Path(__file__).with_name("apps")


class Side(Struct, frozen=True):
    """One version of the library, with what it needs, and what must come of the bug there.

    ``variant`` is for the stage, where the same version is tried in two ways.
    """

    pins: tuple[str, ...]
    expected: Verdict
    variant: str = ""

    @property
    def label(self) -> str:
        version = self.pins[0].replace("==", " ")
        return f"{version}, {self.variant}" if self.variant else version


class Told(Struct, frozen=True):
    """What a stage has shown, in a sentence, and the lines that prove it."""

    verdict: Verdict
    sentence: str
    evidence: tuple[str, ...] = ()


class Backtest(Struct, frozen=True):
    """A public bug. ``app`` is a module of ``apps/``, ``broker`` its server; ``stage`` plays it
    and judges.
    """

    name: str
    url: str
    title: str
    app: str
    sides: tuple[Side, ...]
    stage: Callable[[Stage, str], Told]
    broker: Broker = "redis"


def names() -> list[str]:
    """Every backtest by its name. Imports none."""
    return [file.replace("_", "-") for file in files(BUGS)]


def find(name: str) -> Backtest:
    """The backtest of that name. Raises KeyError."""
    found: dict[str, Any] = held(BUGS, "BACKTEST")
    backtest: Backtest = found[name.replace("-", "_")]
    return backtest
