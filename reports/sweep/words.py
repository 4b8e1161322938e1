"""What a terminal and a page say of a sweep in the same words."""

from __future__ import annotations

from collections import Counter

from ...harness.result import ConfirmationOutcome
from ...harness.units import seconds
from ...sweep.outcome import LOOKS, Outcome
from ...sweep.swept import Swept
from ...sweep.ways import ways_of


def headline(swept: Swept) -> str:
    """The whole sweep in one sentence."""
    cells, broken = len(swept.cells), swept.findings
    where = len({cell.boundary for cell in broken})
    trips, each = len(swept.boundaries), {len(ways_of(place)) for place in swept.boundaries}
    told = f"{trips} round trips, broken in {cells} of {swept.wanted} ways"
    if swept.complete:
        told = f"{trips} round trips, broken in {swept.wanted} ways"
    if swept.complete and len(each) == 1:
        told = f"{trips} round trips, each broken in {each.pop()} ways"
    if not broken:
        return f"{told}: no work was lost or stood still" + ("" if swept.complete else " so far")
    return (
        f"{told}: in {len(broken)} of {cells} runs work was lost or stood still, at {where} of them"
    )


def counts(swept: Swept) -> dict[Outcome, int]:
    """How often each outcome came, in the order of the legend."""
    found = Counter(cell.outcome for cell in swept.cells)
    return {outcome: found[outcome] for outcome in LOOKS if found[outcome]}


def _confirmed(swept: Swept) -> list[str]:
    """What real time said of what leaping time has shown, in a sentence, if that was asked."""
    outcomes = Counter(cell.confirmation.outcome for cell in swept.cells if cell.confirmation)
    words: dict[ConfirmationOutcome, str] = {
        "confirmed": "seen in real time, too",
        "not repeated": "not repeated there (--confirm 2min repeats more)",
        "vanished": "not to be seen there, which is a fault of jobquake's",
    }
    told = [f"{outcomes[one]} {said}" for one, said in words.items() if outcomes[one]]
    return [f"Of what leaping time showed: {', '.join(told)}."] if told else []


def conditions(swept: Swept) -> list[str]:
    """Under which conditions that was found, a sentence each."""
    how = (
        f"{swept.library}, task {swept.task}, one worker on a broker of its own in each run; a "
        "second job comes behind the one whose round trip is broken."
    )
    took = (
        f"Unbroken, the job is done {seconds(swept.clean_s)} after it was sent. By itself the "
        f"library brings back what a dead worker held within {seconds(swept.recovery_s)} "
        f"({swept.recovery_why}); each run waited {seconds(swept.waited_s)} for that."
    )
    said = [how, took]
    if swept.opening:
        said.append(
            f"{len(swept.opening)} round trips that only open connections were left out; "
            "--connections breaks them, too."
        )
    said += _confirmed(swept)
    if not swept.complete:
        left = swept.wanted - len(swept.cells)
        said.append(f"{left} of {swept.wanted} were not run; the same command goes on with them.")
    return said
