"""The strict expectation of a sweep: a TOML file of what is known, and why it may be so.

Whatever is not in it has to be sound. What turned out better than known is as red as what turned
out worse, so that the file says what is. Cells are known by the names of their round trips, so one
file serves several versions of a library; a round trip that appeared or vanished is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import get_args

from msgspec import Struct

from ..errors import UsageError
from ..known import Differences, quoted, read_known
from .cell import Cell
from .outcome import LOOKS, ORDER, Outcome
from .swept import Swept
from .ways import WAYS, ways_of

UNTOLD = "found by a sweep; say here why it may be so"


class Known(Struct, frozen=True, forbid_unknown_fields=True):
    """One cell that need not be sound, with the reason, and where there is more to read."""

    boundary: str
    way: str
    outcome: str
    reason: str
    link: str = ""


class Expected(Struct, frozen=True, forbid_unknown_fields=True):
    """What a file says. ``of``: of which library it was recorded."""

    boundaries: tuple[str, ...]
    known: tuple[Known, ...] = ()
    of: str = ""

    def of_cell(self, boundary: str, way: str) -> Known | None:
        return next((k for k in self.known if (k.boundary, k.way) == (boundary, way)), None)


def sound(outcome: Outcome) -> bool:
    """Whether nobody has to know of it."""
    return LOOKS[outcome].gravity == "held"


def recorded(swept: Swept, earlier: Expected | None = None) -> str:
    """The file that expects just what this sweep shows; reasons are those of ``earlier``."""
    lines = [
        f"# What `jobquake sweep --app {swept.app} --task {swept.task}` may show, and why.",
        f"of = {quoted(swept.library)}",
        "boundaries = [",
        *(f"  {quoted(boundary.key)}," for boundary in swept.boundaries),
        "]",
    ]
    for cell in swept.ordered():
        if sound(cell.outcome):
            continue
        known = earlier.of_cell(*cell.key) if earlier else None
        same = known is not None and known.outcome == cell.outcome
        lines += ["", "[[known]]"]
        lines += [f"boundary = {quoted(cell.boundary)}", f"way = {quoted(cell.way)}"]
        lines += [f"outcome = {quoted(cell.outcome)}"]
        lines += [f"reason = {quoted(known.reason if known and same else UNTOLD)}"]
        if known and same and known.link:
            lines.append(f"link = {quoted(known.link)}")
    return "\n".join(lines) + "\n"


def read(file: Path) -> Expected:
    """What the file says. Raises :class:`UsageError` about the first thing that makes no sense."""
    expected = read_known(file, Expected, "jobquake sweep --record")
    for known in expected.known:
        if problem := _problem(known, expected):
            raise UsageError(f"expected {problem} of {known.boundary} in {file}; correct it")
    return expected


def _problem(known: Known, expected: Expected) -> str:
    ways = [way.name for way in WAYS]
    if known.way not in ways:
        return f"one of {', '.join(ways)}, found {known.way!r}, as way"
    if known.outcome not in get_args(Outcome):
        return f"one of {', '.join(ORDER)}, found {known.outcome!r}, as outcome"
    if not known.reason.strip():
        return "a reason, found none, for what is known"
    if known.boundary not in expected.boundaries:
        return "one of the boundaries that the file lists, found another one, as boundary"
    return ""


def narrowed(expected: Expected, only: Sequence[str]) -> Expected:
    """What it says of round trips with one of these texts in their names; no text: of all."""
    kept = [key for key in expected.boundaries if not only or any(text in key for text in only)]
    known = [known for known in expected.known if known.boundary in kept]
    return Expected(tuple(kept), tuple(known), expected.of)


def compare(swept: Swept, expected: Expected) -> Differences:
    """Hold the sweep against what is expected."""
    worse, better, other, missing = [], [], [], []
    new = {boundary.key for boundary in swept.boundaries} - set(expected.boundaries)
    for boundary in swept.boundaries:
        for way in ways_of(boundary):
            cell, known = (
                swept.cell(boundary.key, way.name),
                expected.of_cell(boundary.key, way.name),
            )
            if cell is None:
                missing.append(f"{boundary.key}, {way.name}: not run")
                continue
            wanted: Outcome = known.outcome if known else "done"  # type: ignore[assignment]
            if cell.outcome == wanted or (known is None and sound(cell.outcome)):
                continue
            told = _differs(cell, wanted, known, boundary.key in new)
            if _grave(cell.outcome) > _grave(wanted):
                worse.append(told)
            elif _grave(cell.outcome) < _grave(wanted):
                better.append(f"{told}; it got better, so take it out of the file")
            else:
                other.append(told)
    return Differences(
        tuple(worse),
        tuple(better),
        tuple(other),
        tuple(_moved(swept, expected)),
        tuple(missing),
    )


def _differs(cell: Cell, wanted: Outcome, known: Known | None, new: bool) -> str:
    expected = f"{wanted} ({known.reason})" if known else "done or not accepted"
    where = " (a round trip that was not there when it was recorded)" if new else ""
    return (
        f"{cell.boundary}, {cell.way}{where}: expected {expected}, found {cell.outcome}: "
        f"{cell.sentence}"
    )


def _grave(outcome: Outcome) -> int:
    return ("held", "told", "inconclusive", "violated").index(LOOKS[outcome].gravity)


def _moved(swept: Swept, expected: Expected) -> Iterator[str]:
    here = [boundary.key for boundary in swept.boundaries]
    left_out = {boundary.key for boundary in swept.opening}
    for key in here:
        if key not in expected.boundaries:
            yield f"appeared: {key}"
    for key in expected.boundaries:
        if key not in here and key not in left_out:
            known = [one.way for one in expected.known if one.boundary == key]
            told = f", of which was known: {', '.join(known)}" if known else ""
            yield f"vanished: {key}{told}"
    both = [key for key in expected.boundaries if key in here]
    if both != [key for key in here if key in both]:
        yield f"in another order: {', then '.join(key for key in here if key in both)}"
