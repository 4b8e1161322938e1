"""A sweep in a terminal: the clean run in order of time, the grid, and what was found."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

from ...harness.units import seconds
from ...sweep.audit import audit
from ...sweep.cell import Cell
from ...sweep.clean import Clean
from ...sweep.conduct import Progress
from ...sweep.outcome import LOOKS
from ...sweep.swept import Swept
from ...sweep.ways import WAYS
from ..plain import one_line
from .words import conditions, counts, headline

MOST_TOLD = 12
MOST_STORIES = 3


def clean(found: Clean, console: Console) -> None:
    """What the clean run showed, as soon as it is known."""
    opening = sum(boundary.opens for boundary in found.boundaries)
    console.print(
        one_line(
            f"clean run: {len(found.boundaries)} round trips of the job, {opening} of them only "
            f"open connections; {found.others} others are the idle loop"
        ),
        soft_wrap=True,
    )


def progress(now: Progress) -> str:
    """One line while it goes on."""
    last = f"; last: {now.last.boundary}, {now.last.way}: {now.last.outcome}" if now.last else ""
    left = f", {seconds(round(now.left_s))} left" if now.done < now.wanted else ""
    return one_line(f"{now.done} of {now.wanted} runs{left}{last}")


def tell(swept: Swept, console: Console, full: bool = False) -> None:
    """All of it that fits into a terminal; ``full``: with the commands that show it again."""
    console.print(one_line(f"{swept.app}: {headline(swept)}"), soft_wrap=True)
    for line in conditions(swept):
        console.print(one_line(f"  {line}"), soft_wrap=True)
    sequence(swept, console)
    grid(swept, console)
    answers(swept, console)
    _cells("lost or standing still", swept.findings, console)
    _cells("worth a word", swept.told, console)
    _cells("proves nothing", swept.unproved, console)
    for cell in swept.findings[:MOST_STORIES]:
        console.print(one_line(f"{cell.boundary}, {cell.way}:"), soft_wrap=True)
        if cell.confirmation:
            told = f"    found in leaping time; {cell.confirmation.sentence}"
            console.print(one_line(told), soft_wrap=True)
        for line in cell.story:
            console.print(one_line(f"    {line}"), soft_wrap=True)
        if full:
            console.print(one_line(f"    again: {cell.replay}"), soft_wrap=True)
    if swept.findings and not full:
        console.print("The page has the story of each, and the command that shows it again.")


def sequence(swept: Swept, console: Console) -> None:
    """The round trips of the clean run, numbered in order of time."""
    table = Table("", "after", "who asks", "round trip", box=None, pad_edge=False)
    for number, boundary in enumerate(swept.boundaries, 1):
        carries = " *" if boundary.carries else ""
        at = f"{max(0.0, boundary.at_s):.3f} s"
        table.add_row(str(number), at, boundary.side, one_line(boundary.label + carries))
    console.print(table)
    console.print("* carries the job's id")


def grid(swept: Swept, console: Console) -> None:
    """A sign for each run, and what the signs mean."""
    width = len(str(len(swept.boundaries)))
    wide = max(len(way.name) for way in WAYS)
    head = " ".join(str(n).rjust(width) for n in range(1, len(swept.boundaries) + 1))
    console.print(f"\n{'':{wide}}  {head}", soft_wrap=True)
    for way in WAYS:
        signs = []
        for boundary in swept.boundaries:
            cell = swept.cell(boundary.key, way.name)
            none = " " if way.fits(boundary) else "-"
            signs.append((LOOKS[cell.outcome].sign if cell else none).rjust(width))
        console.print(f"{way.name:{wide}}  {' '.join(signs)}", soft_wrap=True)
    for outcome, count in counts(swept).items():
        look = LOOKS[outcome]
        console.print(f"  {look.sign} {outcome}, {count}: {look.means}", soft_wrap=True)


def answers(swept: Swept, console: Console) -> None:
    """The audit, a sentence a line."""
    told = audit(swept)
    if told:
        console.print("\nif the job is interrupted:")
    for answer in told:
        line = f"  {LOOKS[answer.outcome].sign} {answer.when}, {answer.what}. {answer.prevents}"
        console.print(one_line(line.rstrip()), soft_wrap=True)


def _cells(title: str, cells: Iterable[Cell], console: Console) -> None:
    shown = list(cells)
    if not shown:
        return
    console.print(f"\n{title}:")
    for cell in shown[:MOST_TOLD]:
        line = f"  {LOOKS[cell.outcome].sign} {cell.boundary}, {cell.way}: {cell.outcome}: "
        console.print(one_line(line + cell.sentence), soft_wrap=True)
    if len(shown) > MOST_TOLD:
        console.print(f"  and {len(shown) - MOST_TOLD} more, on the page")
