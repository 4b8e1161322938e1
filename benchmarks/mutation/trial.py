"""One mutant before its judges, each in a process of its own that may hang or die.

A judge's process is forked from one that has loaded everything but the mutant. Where only what a
function does has changed, it is exchanged there; else the package is loaded anew.
"""

from __future__ import annotations

import gc
import multiprocessing
import time
from collections.abc import Callable
from functools import partial
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

from .judges import JUDGE, JUDGES, Effort, Judge, Seen, explore
from .mutants import Mutant
from .second import NAME, plant, second_self

FORKED = multiprocessing.get_context("fork")


class Verdicts(NamedTuple):
    """What each judge said of a mutant, and after how many seconds."""

    name: str
    kind: str
    place: str
    seen: dict[Judge, Seen]
    seconds: float

    @property
    def caught(self) -> set[Judge]:
        return {judge for judge, seen in self.seen.items() if seen.what == "caught"}

    @property
    def crashed(self) -> bool:
        """No check saw it, but it raised or hung."""
        return not self.caught and any(seen.what == "crash" for seen in self.seen.values())

    @property
    def survived(self) -> bool:
        return not self.caught and not self.crashed


def tried(mutant: Mutant, place: str, effort: Effort, limits_s: dict[Judge, float]) -> Verdicts:
    """The mutant before all judges."""
    began = time.perf_counter()
    source, within = mutant.source(), mutant.within_function
    seen = {
        judge: apart(partial(judged, mutant.file, source, judge, effort, within), limit_s)
        for judge, limit_s in limits_s.items()
    }
    return Verdicts(mutant.name, mutant.kind, place, seen, time.perf_counter() - began)


def judged(file: Path, source: str, judge: Judge, effort: Effort, planted: bool = False) -> Seen:
    """What the judge says of the package with this text in that file; in this process.

    ``planted``: only functions differ, and they are exchanged in the second self that is there.
    """
    try:
        (plant if planted else second_self)(file, source)
        return JUDGE[judge](effort)
    except Exception as error:  # noqa: BLE001 (whatever a mutant does)
        return Seen("crash", f"{type(error).__name__}: {error}")


def apart(work: Callable[[], Seen], limit_s: float) -> Seen:
    """What comes of the work in a process of its own; a crash if it takes too long or dies."""
    ours, theirs = FORKED.Pipe(duplex=False)
    process = FORKED.Process(target=_tell, args=(work, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        seen: Seen = ours.recv() if ours.poll(limit_s) else Seen("crash", "it hung")
    except EOFError:
        seen = Seen("crash", "its process died")
    finally:
        process.kill()
        process.join()
        ours.close()
    return seen


def _tell(work: Callable[[], Seen], to: Connection) -> None:
    gc.freeze()
    to.send(work())


def baseline(file: Path, effort: Effort, limit_s: float) -> dict[Judge, tuple[Seen, float]]:
    """What the judges say of the queue as it is, and how long each takes.

    From here on a second self is loaded, and what exploration saw of it is remembered.
    """
    text, found = file.read_text(encoding="utf-8"), dict[Judge, tuple[Seen, float]]()
    second_self(file, text)
    for judge in JUDGES:
        began = time.perf_counter()
        if judge == "explore":
            seen = explore(effort, learn=True)
        else:
            seen = apart(partial(judged, file, text, judge, effort, True), limit_s)
        found[judge] = seen, time.perf_counter() - began
    for module in ("experiments", "contract", "scenarios.registry", "harness.contract.suite"):
        import_module(f"{NAME}.{module}")
    return found
