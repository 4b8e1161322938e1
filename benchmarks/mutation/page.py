"""docs/mutants.md: who caught how many, and every survivor with the reason why nobody can tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from .judges import JUDGES, Judge
from .trial import Verdicts

OPEN = "**open**"


def percent(part: int, of: int) -> str:
    return f"{100 * part / of:.0f} %" if of else "-"


def scores(verdicts: Sequence[Verdicts], excused: set[str]) -> list[tuple[str, int, int]]:
    """(who, caught, of how many): of those that no reason excuses and no crash has ended."""
    counted = [v for v in verdicts if not v.crashed and v.name not in excused]
    rows: list[tuple[str, int, int]] = [
        (judge, sum(judge in v.caught for v in counted), len(counted)) for judge in JUDGES
    ]
    rows.append(("together", sum(bool(v.caught) for v in counted), len(counted)))
    return rows


def alone(verdicts: Sequence[Verdicts], judge: Judge) -> int:
    """How many only this judge has caught."""
    return sum(v.caught == {judge} for v in verdicts)


def page(verdicts: Sequence[Verdicts], total: int, command: str, reasons: dict[str, str]) -> str:
    """The page, as Markdown. ``total`` is how many mutants there are in all."""
    survivors = [v for v in verdicts if v.survived]
    crashed = sum(v.crashed for v in verdicts)
    excused = {v.name for v in survivors if v.name in reasons}
    tried = "all" if len(verdicts) == total else f"a sample of {len(verdicts)} of"
    caught = sum(bool(v.caught) for v in verdicts)
    lines = [
        "# Mutants of the correct queue, and who notices them",
        "",
        f"Made by `{command}`; no line is written by hand.",
        f"Of {tried} {total} small changes to the reference queue's decisions,",
        "its store in memory, the worker, the producer and the",
        "repetition of calls, each was put before every scenario (`jobquake run --all`),",
        "exploration (`jobquake explore`) and the contract, in virtual time. The unchanged queue",
        "is the oracle.",
        "",
        f"- {caught} were caught by a check.",
        f"- {crashed} raised or hung and were caught by no check: that says nothing of the checks.",
        f"- {len(survivors)} survived; of {len(excused)} of them no client can tell.",
        "",
        "| | caught | of those that a client could tell | caught by nobody else |",
        "|---|---|---|---|",
    ]
    for who, caught, of in scores(verdicts, excused):
        only = str(alone(verdicts, who)) if who in JUDGES else ""
        lines.append(f"| {who} | {caught} | {percent(caught, of)} | {only} |")
    lines += ["", "## By kind of change", "", "| kind | tried | caught | crashed | survived |",
              "|---|---|---|---|---|"]  # fmt: skip
    lines += [
        f"| {kind} | {len(of)} | {sum(bool(v.caught) for v in of)} "
        f"| {sum(v.crashed for v in of)} | {sum(v.survived for v in of)} |"
        for kind, of in _by_kind(verdicts)
    ]
    lines += ["", "## Survivors", ""]
    for place in sorted({v.place for v in survivors}):
        lines += [f"### {place}", "", "| change | kind | why no client can tell |", "|---|---|---|"]
        lines += [
            f"| {_code(v.name)} | {v.kind} | {reasons.get(v.name) or OPEN}{_doubt(v)} |"
            for v in survivors
            if v.place == place
        ]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _by_kind(verdicts: Sequence[Verdicts]) -> list[tuple[str, list[Verdicts]]]:
    kinds = Counter(v.kind for v in verdicts)
    return [(kind, [v for v in verdicts if v.kind == kind]) for kind, _ in kinds.most_common()]


def _doubt(verdicts: Verdicts) -> str:
    doubted = [judge for judge, seen in verdicts.seen.items() if seen.what == "doubted"]
    return f" ({' and '.join(doubted)}: nothing proved)" if doubted else ""


def _code(text: str) -> str:
    return f"`{text.replace('|', chr(92) + '|')}`"
