"""What sets two runs apart: verdicts, outcomes, measures, latencies, configuration, versions.

Plain rows of text, for a terminal and for a page; only what differs is marked, and which of the
two is the better one is left to the reader.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import NamedTuple

import msgspec
from msgspec import Struct, to_builtins
from rich.console import Console
from rich.table import Table

from ..harness.run import Run
from .latency import PERCENTILES, latencies
from .offline import own_text, page_of
from .plain import one_line

NOTHING = "none"
LONG = ("jobs", "faults")  # parts of a plan that are told by their number and their digest


class Row(NamedTuple):
    """The same thing in the first run and in the second, in words."""

    what: str
    first: str
    second: str

    @property
    def differs(self) -> bool:
        return self.first != self.second


class Part(NamedTuple):
    """Rows of one kind. ``whole``: what is alike is shown, too, since it belongs to the picture."""

    title: str
    rows: tuple[Row, ...]
    whole: bool

    @property
    def shown(self) -> tuple[Row, ...]:
        return self.rows if self.whole else tuple(row for row in self.rows if row.differs)


def parts(first: Run, second: Run) -> list[Part]:
    """Everything that can be compared, part by part."""
    one, two = first.result, second.result
    return [
        Part("Runs", _rows(_run(first), _run(second)), True),
        Part("Outcomes", _rows(one.outcomes, two.outcomes), True),
        Part("Guarantees", _rows(_guarantees(first), _guarantees(second)), True),
        Part("Latency", _rows(_latency(first), _latency(second)), True),
        Part("Bite matrix", _rows(_bites(first), _bites(second)), False),
        Part("Configuration", _rows(_configuration(first), _configuration(second)), False),
        Part("Versions", _rows(one.environment, two.environment), False),
    ]


def page(first: Run, second: Run, names: tuple[str, str]) -> str:
    """The difference as one self-contained page; every text in it is escaped."""
    return page_of("diff.html", [own_text("many.css")], parts=parts(first, second), names=names)


def show(first: Run, second: Run, names: tuple[str, str], console: Console) -> None:
    """The difference as tables; an asterisk marks what differs."""
    for place, name in zip(("first", "second"), names, strict=True):
        console.print(f"{place}: {one_line(name)}", soft_wrap=True)
    for part in parts(first, second):
        console.print()
        table = Table("", part.title, "first", "second", box=None)
        for row in part.shown:
            table.add_row("*" if row.differs else "", *map(one_line, row))
        if part.shown:
            console.print(table)
        else:
            console.print(f"   {part.title}: no difference")


def _rows(first: Mapping[str, object], second: Mapping[str, object]) -> tuple[Row, ...]:
    return tuple(
        Row(what, str(first.get(what, NOTHING)), str(second.get(what, NOTHING)))
        for what in dict.fromkeys([*first, *second])
    )


def _run(run: Run) -> dict[str, object]:
    result = run.result
    recovery = "never quiet" if result.recovery_s is None else f"{result.recovery_s:.2f} s"
    return {
        "verdict": result.as_expected,
        "sentence": result.sentence,
        "scenario": result.full_name,
        "backend": result.backend,
        "driver": result.driver,
        "seed": result.seed,
        "lasted": f"{result.duration_s:.2f} s",
        "recovery": recovery,
    }


def _guarantees(run: Run) -> dict[str, object]:
    return {check.title: f"{check.verdict}: {check.note}" for check in run.result.checks}


def _latency(run: Run) -> dict[str, object]:
    return {
        f"{found.what}, {'longest' if percent == 100 else f'{percent} %'}": f"{value:.3f} s"
        for found in latencies(run)
        for percent, value in zip(PERCENTILES, found.seconds, strict=True)
    } | {f"{found.what}, jobs": found.jobs for found in latencies(run)}


def _bites(run: Run) -> dict[str, object]:
    return {f"{bite.fault}, {bite.phase}": bite.count for bite in run.result.bites}


def _configuration(run: Run) -> dict[str, object]:
    found: dict[str, object] = {}
    for field in run.plan.__struct_fields__:
        value = getattr(run.plan, field)
        if field in LONG:
            digest = sha256(msgspec.json.encode(value)).hexdigest()[:8]
            found[f"plan: {field}"] = f"{len(value)} (digest {digest})"
        else:
            found |= _leaves(f"plan: {field}", value)
    return found | _leaves("claims", run.claims)


def _leaves(name: str, value: object) -> dict[str, object]:
    """A value by the path of its name: structs and rows of structs are taken apart."""
    if isinstance(value, Struct):
        fields: Iterable[tuple[object, object]] = (
            (field, getattr(value, field)) for field in value.__struct_fields__
        )
    elif isinstance(value, tuple) and any(isinstance(item, Struct) for item in value):
        fields = enumerate(value, 1)
    else:
        return {name: value if isinstance(value, str) else to_builtins(value)}
    return {k: v for part, inner in fields for k, v in _leaves(f"{name} {part}", inner).items()}
