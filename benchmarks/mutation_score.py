"""How many small mistakes in the correct queue the checks notice: its mutation score.

Mutants of the reference queue's decisions, its store in memory, the worker, the producer and the
repetition (comparisons, constants, dropped statements, swapped arguments, off by one) are put
before every scenario, exploration and the contract. docs/mutants.md tells who caught how many, and
lists every survivor with the reason why no client could tell; the reasons stand in
mutation_reasons.toml, by the mutant's name.

    python benchmarks/mutation_score.py --sample 60 --seed 1
    python benchmarks/mutation_score.py --full --resume verdicts.jsonl
    python benchmarks/mutation_score.py --mutant "core.release: ..."
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

from msgspec import json
from mutation.judges import JUDGES, Effort, Judge
from mutation.mutants import Mutant, mutants_of
from mutation.page import page, percent, scores
from mutation.second import ROOT
from mutation.trial import Verdicts, baseline, tried
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

FILES = (
    "backends/reference/core.py",
    "backends/reference/backoff.py",
    "backends/reference/record.py",
    "backends/reference/queue.py",
    "backends/reference/stores/memory.py",
    "protocol/worker.py",
    "protocol/producer.py",
    "protocol/repeat.py",
)
REASONS = Path(__file__).parent / "mutation_reasons.toml"
PAGE = ROOT / "docs" / "mutants.md"
PATIENCE = 4.0  # a mutant hangs if it takes so many times as long as the correct queue, and
SLACK_S = 10.0


def all_mutants() -> list[tuple[Mutant, str]]:
    """Every mutant with the file that it is in."""
    return [(mutant, file) for file in FILES for mutant in mutants_of(ROOT / file)]


def reasons(names: Iterable[str]) -> dict[str, str]:
    """Why no client could tell, by the name of the mutant. Raises KeyError for an idle reason."""
    known = tomllib.loads(REASONS.read_text(encoding="utf-8"))
    words = known.pop("containing", {})
    names = list(names)
    if idle := [name for name in known if name not in names]:
        raise KeyError(f"{REASONS.name} has reasons for mutants that there are not: {idle}")
    if idle := [word for word in words if not any(word in name for name in names)]:
        raise KeyError(f"{REASONS.name} has words that no mutant contains: {idle}")
    found = {name: why for name in names for word, why in words.items() if word in name}
    return found | known


def told(verdicts: Verdicts) -> str:
    """One line about one mutant."""
    if caught := verdicts.caught:
        how = f"caught by {', '.join(judge for judge in JUDGES if judge in caught)}"
    elif verdicts.crashed:
        crashes = (f"{j}: {s.why}" for j, s in verdicts.seen.items() if s.what == "crash")
        how = f"crashed ({next(crashes)})"
    else:
        how = "SURVIVED"
    return f"{how:<32} {verdicts.seconds:5.1f} s  {verdicts.kind:<18} {verdicts.name}"


def limits(effort: Effort, console: Console) -> dict[Judge, float]:
    """How long each judge may take. Exits if one of them condemns the correct queue."""
    found = baseline(ROOT / FILES[0], effort, 3600.0)
    for judge, (seen, took_s) in found.items():
        console.print(f"the correct queue: {judge} {seen.what} in {took_s:.1f} s")
        if seen.what != "passed":
            sys.exit(f"expected {judge} to pass the correct queue, found: {seen.what}, {seen.why}")
    return {judge: PATIENCE * took_s + SLACK_S for judge, (_, took_s) in found.items()}


def kept(file: Path | None) -> list[Verdicts]:
    """The verdicts that stand in the file."""
    if file is None or not file.exists():
        return []
    return [json.decode(line, type=Verdicts) for line in file.read_bytes().splitlines()]


def keep(file: Path | None, verdicts: Verdicts) -> None:
    """Add the verdicts to the file, if there is one."""
    if file is not None:
        with file.open("ab") as to:
            to.write(json.encode(verdicts) + b"\n")


def watched(work: Iterable[Verdicts], total: int, console: Console) -> Iterator[Verdicts]:
    """The verdicts as they come, with progress and a line for each."""
    columns = (
        SpinnerColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
    )
    survivors = 0
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("mutants", total=total)
        for verdicts in work:
            survivors += verdicts.survived
            console.print(told(verdicts), markup=False, highlight=False, soft_wrap=True)
            progress.update(task, advance=1, description=f"mutants, {survivors} survived")
            yield verdicts


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--sample", type=int, default=60, help="so many, drawn at random")
    which.add_argument("--full", action="store_true", help="all of them")
    which.add_argument("--mutant", action="append", help="those whose name begins so")
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    parser.add_argument("--schedules", type=int, default=1000, help="of exploration")
    parser.add_argument("--examples", type=int, default=30, help="of the contract's Hypothesis")
    parser.add_argument("--jobs", type=int, default=1, help="mutants at a time")
    parser.add_argument("--resume", type=Path, help="a file of verdicts, to go on where it ends")
    parser.add_argument("--list", action="store_true", help="only name the mutants")
    arguments = parser.parse_args()
    console = Console()
    known = all_mutants()
    chosen = known
    if arguments.mutant:
        chosen = [one for one in known if one[0].name.startswith(tuple(arguments.mutant))]
    else:  # in an order of chance, so that what an interruption leaves is a smaller sample
        many = len(known) if arguments.full else min(arguments.sample, len(known))
        chosen = Random(arguments.seed).sample(known, len(known))[:many]
    if arguments.list:
        for mutant, _ in chosen:
            console.print(f"{mutant.kind:<18} {mutant.name}", markup=False, soft_wrap=True)
        return
    effort = Effort(schedules=arguments.schedules, examples=arguments.examples)
    verdicts = kept(arguments.resume)
    names = {mutant.name for mutant, _ in chosen}
    verdicts = [one for one in verdicts if one.name in names]
    done = {one.name for one in verdicts}
    left = [one for one in chosen if one[0].name not in done]
    limits_s = limits(effort, console) if left else {}
    with ThreadPoolExecutor(arguments.jobs) as pool:
        work = pool.map(lambda one: tried(one[0], one[1], effort, limits_s), left)
        for one in watched(work, len(left), console):
            verdicts.append(one)
            keep(arguments.resume, one)
    why = reasons(mutant.name for mutant, _ in known)
    excused = {v.name for v in verdicts if v.survived and v.name in why}
    for one in verdicts:
        if one.caught and one.name in why:
            console.print(f"a reason excuses what was caught: {one.name}", markup=False)
    for who, caught, of in scores(verdicts, excused):
        console.print(f"{who:<10} caught {caught} of {of} ({percent(caught, of)})")
    if not arguments.mutant:
        options = "--full" if arguments.full else f"--sample {arguments.sample}"
        options += f" --seed {arguments.seed}" if arguments.seed and not arguments.full else ""
        command = f"python benchmarks/mutation_score.py {options}"
        PAGE.write_text(page(verdicts, len(known), command, why), encoding="utf-8")
        console.print(f"{PAGE}")


if __name__ == "__main__":
    main()
