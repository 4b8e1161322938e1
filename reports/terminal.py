"""A result as lines for a terminal or a log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO

from rich.console import Console
from rich.table import Table

from ..harness.result import Result
from ..harness.units import seconds
from .duplicates import LATE, table, telling
from .outcomes import told
from .plain import one_line

NARROWEST_WIDTH, USUAL_WIDTH = 10, 80
MOST_TROUBLES = 3
CAUGHT = "caught"  # of a control: its violation, which is what it is for
LONG_S = 60.0  # a recovery that takes longer is worth a word


def console(stderr: bool = False, file: IO[str] | None = None, width: int | None = None) -> Console:
    """Where lines go. What others named is told as it is: no markup, no emoji, no guesses."""
    made = Console(
        stderr=stderr, file=file, width=width, highlight=False, markup=False, emoji=False
    )
    if made.width < NARROWEST_WIDTH:  # COLUMNS=0 would swallow every line
        made.width = USUAL_WIDTH
    return made


def line(result: Result) -> str:
    """One plain line: the verdict that counts, what was run, and how it ended."""
    name, backend = one_line(result.full_name), one_line(result.backend)
    caught = result.control and result.as_expected == "held"
    word = CAUGHT if caught else result.as_expected
    start = f"{word:<13} {name:<28} {backend}  {result.driver}"
    if result.control:
        found = f"{CAUGHT}, as it must be" if caught else "not caught"
        return f"{start}  seed {result.seed}  control: {result.control} violated: {found}"
    strikes = sum(b.count for b in result.bites if b.phase != "nothing")
    outcomes = one_line(told(result))
    struck = f"{strikes} strikes met a job"
    if result.recovery_s is not None and result.recovery_s > LONG_S:
        struck += f"; work ended {seconds(result.recovery_s)} after the last fault"
    return f"{start}  seed {result.seed}  {outcomes or 'no job'}  ({struck})"


def troubles(result: Result, console: Console) -> None:
    """With which errors the queue's server answered, unless the sentence of the run says it."""
    held = result.as_expected == "held"
    left = [trouble for trouble in result.troubles if held or trouble.said not in result.sentence]
    for trouble in left[:MOST_TROUBLES]:
        console.print(f"  {one_line(trouble.sentence)}", soft_wrap=True)
    if len(left) > MOST_TROUBLES:
        console.print(f"  and {len(left) - MOST_TROUBLES} other errors", soft_wrap=True)


def duplicates(result: Result, console: Console) -> None:
    """What became of work that was submitted twice, technique by gap, where that is telling."""
    cells = telling(result.duplicates)
    if not cells:
        return
    found = table(cells)
    shown = Table("submitted again", *found.gaps, box=None)
    for row in found.rows:
        shown.add_row(*row)
    console.print(shown)
    if any(cell.asked_again > cell.repeated for cell in cells):
        console.print(f" {LATE}")


def not_judged(result: Result, console: Console) -> None:
    """Of a run that held: the guarantees that it says nothing of, and why."""
    if result.as_expected != "held":
        return  # the table of guarantees will tell
    for check in result.checks:
        if check.verdict == "not judged":
            line = f"  not judged: {check.title}: {check.note}"
            console.print(one_line(line), soft_wrap=True)


def confirmation(result: Result, console: Console) -> None:
    """Whether what leaping time showed is so in real time."""
    if result.confirmation:
        told = f"  found in leaping time; {result.confirmation.sentence}"
        console.print(one_line(told), soft_wrap=True)


def summary(
    result: Result, console: Console, picture: Sequence[str] = (), again: str | None = None
) -> None:
    """Why a run did not hold: sentence, story, picture, guarantees, bite matrix, replay command.

    ``again``: what to type to see it again, if that is shorter than the whole plan.
    """
    console.print(f"  {result.verdict}: {one_line(result.sentence)}", soft_wrap=True)
    confirmation(result, console)
    for step in result.story:
        console.print(f"    {one_line(step)}", soft_wrap=True)
    for drawn in picture:
        console.print(f"    {drawn}", soft_wrap=True)
    table = Table("guarantee", "verdict", "measured", box=None)
    for check in result.checks:
        table.add_row(check.title, check.verdict, one_line(check.note))
    console.print(table)
    bites = Table("fault", "phase of the job", "strikes", box=None)
    for bite in result.bites:
        missing = "  (required, missing)" if bite.required and not bite.count else ""
        bites.add_row(bite.fault, bite.phase, f"{bite.count}{missing}")
    console.print(bites)
    console.print(one_line(f"  replay: {again or result.replay_command}"), soft_wrap=True)
