"""An exploration as lines for a terminal: how far it is, what it hit, how near it came."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ..harness.checks import CHECKS
from ..harness.explore.search import Search
from ..harness.record.history import PHASES, Phase
from ..harness.shrink.failure import Failure
from .plain import one_line

BARS = "▁▂▃▄▅▆▇█"


def headline(search: Search) -> str:
    """One line: how many schedules, how fast, how much of it was new."""
    rate = search.schedules / search.seconds if search.seconds else 0.0
    strikes = sum(n for (_, phase), n in search.bites.items() if phase != "nothing")
    return (
        f"{search.schedules:,} schedules of {search.jobs:,} jobs in {search.seconds:.0f} s "
        f"({rate:,.0f}/s), {strikes:,} strikes met a job, "
        f"{len(search.features):,} distinct behaviours seen"
    )


def near_misses(search: Search) -> list[str]:
    """One line for each kind of near miss: how near a run came that still held."""
    return [
        f"nearest miss, {what}: {margin:.3g}"
        for what, (margin, _) in sorted(search.nearest.items())
    ]


def not_judged(search: Search) -> list[str]:
    """One line for each guarantee of which some schedule says nothing, and why."""
    return [
        f"not judged: {CHECKS[name].title}: {why}" for name, why in sorted(search.unjudged.items())
    ]


def bite_matrix(search: Search) -> Table:
    """Fault by phase of the job that it struck: how often, in all schedules."""
    phases = [
        name for phase, name in PHASES.items() if phase != Phase.ON_THE_WIRE
    ]  # it is simulated
    rows: dict[str, dict[str, int]] = defaultdict(dict)
    for (fault, phase), n in search.bites.items():
        rows[fault][phase] = n
    table = Table("fault", *phases, "no job", box=None)
    for fault in sorted(rows):
        cells = [rows[fault].get(phase, 0) for phase in (*phases, "nothing")]
        table.add_row(fault, *(f"{n:,}" if n else "." for n in cells))
    return table


def live(search: Search) -> RenderableType:
    """What is shown while it goes on."""
    return Group(
        Text(headline(search)), bite_matrix(search), *(Text(line) for line in near_misses(search))
    )


def likelihood(failure: Failure) -> list[str]:
    """The curve as one line of bars, and from when on the failure was sure."""
    curve = failure.curve
    if curve is None or not curve.moments:
        return []
    bars = "".join(BARS[round(m.likelihood * (len(BARS) - 1))] for m in curve.moments)
    first, last = curve.moments[0], curve.moments[-1]
    began = f"at first {100 * first.likelihood:.0f} % of {first.futures} other futures failed"
    lines = [f"likelihood from {first.at_s:.3f} s to {last.at_s:.3f} s: {bars} ({began})"]
    if curve.inevitable_s is not None:
        lines.append(f"inevitable from {curve.inevitable_s:.3f} s on")
    return lines


def failure_lines(failure: Failure, picture: Sequence[str] = (), again: str = "") -> list[str]:
    """A failure in lines: sentence, story, picture, proof, curve, how to see it ``again``."""
    lines = [f"violated: {failure.title}: {one_line(failure.sentence)}"]
    lines += [f"  {one_line(line)}" for line in failure.story]
    lines += [f"  {line}" for line in picture]
    lines.append(f"found: {failure.found}")
    lines.append(f"shrunk to {failure.certificate}")
    lines += likelihood(failure)
    whole = f"jobquake replay '{failure.replay}'"
    if failure.reproduction:
        lines.append(failure.reproduction.sentence)
    lines.append(f"replay: {again or whole}")
    return lines
