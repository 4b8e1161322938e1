"""Soak: round after round of a scenario, with another seed each, for hours.

What one run cannot show, many may: the rare order of events, and what slowly grows. Each round
is a run of its own on an empty queue; its history is judged and let go, so that memory and disk
stay bounded however long it lasts. What was found is kept at once, and the state after every
round, so that a soak that was stopped goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import psutil
from msgspec import Struct
from msgspec.structs import replace

from ..backends.adapter import Adapter
from .plan import Plan
from .run import Driver, Run, run

FORMAT = 1
STATE = "soak.json"
MOST_KEPT = 20
WARM_UP_ROUNDS = 20


class SoakError(Exception):
    """The folder holds another soak, or none that can be read."""


class Found(Struct, frozen=True):
    """A round that broke a guarantee: its number, what was broken, how to see it again."""

    round: int
    sentence: str
    replay: str


class Soak(Struct, frozen=True):
    """How far a soak has come. Times in seconds, of the runs themselves; memory in bytes.

    ``warm_rss`` is the memory of this process after the first rounds, ``last_rss`` now.
    """

    format: int
    scenarios: tuple[str, ...]
    backend: str
    driver: Driver
    seed: int
    rounds: int = 0
    spent_s: float = 0.0
    jobs: int = 0
    strikes: int = 0
    verdicts: dict[str, int] = {}
    found: tuple[Found, ...] = ()
    warm_rss: int = 0
    last_rss: int = 0

    @property
    def verdict(self) -> str:
        """Violated if any round was; inconclusive if none held."""
        if self.verdicts.get("violated"):
            return "violated"
        return "held" if self.verdicts.get("held") else "inconclusive"


def begin(
    folder: Path, scenarios: tuple[str, ...], adapter: Adapter, driver: Driver, seed: int
) -> Soak:
    """The soak in that folder, where it was left, or a new one. Raises :class:`SoakError`."""
    fresh = Soak(FORMAT, scenarios, adapter.name, driver, seed)
    try:
        kept = msgspec.json.decode((folder / STATE).read_bytes(), type=Soak)
    except FileNotFoundError:
        return fresh
    except (OSError, ValueError) as error:
        raise SoakError(
            f"expected the state of a soak in {folder / STATE}, found: {error}; "
            "remove it, or name another folder"
        ) from error
    same = (kept.format, kept.scenarios, kept.backend, kept.driver, kept.seed)
    if same != (FORMAT, scenarios, adapter.name, driver, seed):
        raise SoakError(
            f"expected a soak of {', '.join(scenarios)} on {adapter.name} ({driver}, seed {seed}) "
            f"in {folder}, found one of {', '.join(kept.scenarios)} on {kept.backend} "
            f"({kept.driver}, seed {kept.seed}); name another folder"
        )
    return kept


def go_on(
    soak: Soak,
    folder: Path,
    for_s: float,
    plan_of: Callable[[str, int], Plan],
    adapter: Adapter,
    keep: Callable[[Run, int], None],
    progress: Callable[[Soak], None],
) -> Soak:
    """Run rounds until ``for_s`` seconds of running are spent; the soak then.

    ``plan_of(scenario, seed)`` makes the plan of a round; ``keep(run, round)`` keeps one that
    broke a guarantee, the first ``MOST_KEPT`` of them; ``progress`` is told after each round.
    """
    process = psutil.Process()
    while soak.spent_s < for_s:
        number = soak.rounds
        name = soak.scenarios[number % len(soak.scenarios)]
        done = run(plan_of(name, soak.seed + number), adapter, soak.driver)
        result = done.result
        if result.verdict == "violated" and len(soak.found) < MOST_KEPT:
            keep(done, number)
            found = Found(number, result.sentence, result.replay)
            soak = replace(soak, found=(*soak.found, found))
        rss = process.memory_info().rss
        verdicts = soak.verdicts | {result.verdict: soak.verdicts.get(result.verdict, 0) + 1}
        soak = replace(
            soak,
            rounds=number + 1,
            spent_s=soak.spent_s + result.duration_s,
            jobs=soak.jobs + len(done.plan.jobs),
            strikes=soak.strikes + sum(b.count for b in result.bites if b.phase != "nothing"),
            verdicts=verdicts,
            warm_rss=rss if number < WARM_UP_ROUNDS else soak.warm_rss,
            last_rss=rss,
        )
        _write(soak, folder)
        progress(soak)
    return soak


def _write(soak: Soak, folder: Path) -> None:
    """Whole or not at all."""
    partial = folder / f".{STATE}.partial"
    partial.write_bytes(msgspec.json.encode(soak))
    partial.replace(folder / STATE)
