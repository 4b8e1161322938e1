"""A shard: a stretch of schedules that depends on nothing but the seed and its number.

It can be run in any process on any machine, in any order, and always finds the same. What is
interesting is learnt within the shard only, for that reason.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from random import Random

from msgspec import Struct

from ...backends.adapter import Adapter
from ..plan.plan import Plan
from ..plan.replay import encode
from ..trial import Trial, attempt
from .novelty import Feature, features, near_misses
from .techniques import MIXES, Explorer

SCHEDULES = 250


class Violation(Struct, frozen=True):
    """A schedule that broke guarantees: where it was, which, the first sentence, its plan."""

    shard: int
    schedule: int
    guarantee: str
    sentence: str
    replay: str


class ShardResult(Struct, frozen=True):
    """What came of a shard; ``schedules`` counts those that ran, fewer if it was cut short.

    ``nearest`` is, for each kind of near miss, the smallest margin and the replay string of
    its plan. ``bites`` counts strikes by fault and phase, ``new`` the features that it saw,
    ``broken`` the schedules that broke each guarantee. ``drifted`` are plans whose second run
    differed from the first, if that was asked for. ``unjudged``: guarantees of which some schedule
    could say nothing, and why.
    """

    shard: int
    schedules: int
    jobs: int
    found: tuple[Violation, ...]
    bites: tuple[tuple[str, str, int], ...]
    new: frozenset[Feature]
    nearest: dict[str, tuple[float, str]]
    broken: dict[str, int]
    drifted: tuple[str, ...] = ()
    unjudged: dict[str, str] = {}


def explore_shard(
    adapter: Adapter,
    seed: int,
    shard: int,
    *,
    schedules: int = SCHEDULES,
    mix: str = "portfolio",
    until: float | None = None,
    twice: bool = False,
    stop_at_first: bool = True,
    oracle: Adapter | None = None,
) -> ShardResult:
    """Run the shard's schedules, or until ``time.monotonic()`` passes ``until``.

    One finding is kept for each guarantee. ``twice`` runs each plan a second time and
    compares the histories byte by byte. ``oracle`` is a queue that is known to be correct:
    what it breaks on the same plan is not held against anybody.
    """
    explorer = Explorer()
    known: set[Feature] = set()
    bites: Counter[tuple[str, str]] = Counter()
    found: dict[str, Violation] = {}
    nearest: dict[str, tuple[float, str]] = {}
    counts: Counter[str] = Counter()
    drifted: list[str] = []
    unjudged: dict[str, str] = {}
    ran = jobs = 0
    for plan in _plans(explorer, seed, shard, mix):
        trial = attempt(plan, adapter)
        ran += 1
        jobs += len(plan.jobs)
        if twice and _drifts(trial, adapter):
            drifted.append(encode(plan, adapter.name, "sim"))
        broken = trial.broken
        unjudged |= trial.unjudged
        if broken and oracle:
            fair = attempt(plan, oracle, list(broken)).broken
            broken = {name: judged for name, judged in broken.items() if name not in fair}
        misses = near_misses(trial.facts)
        seen = features(trial.facts, misses)
        explorer.learn(trial.facts, not (broken or seen <= known))
        counts.update(broken.keys())
        if broken:
            for guarantee, judged in broken.items():
                if guarantee not in found:
                    replay = encode(plan, adapter.name, "sim")
                    sentence = judged.findings[0].sentence
                    found[guarantee] = Violation(shard, ran, guarantee, sentence, replay)
            if stop_at_first:
                break
        else:
            known |= seen
            for near in misses:
                if near.margin > 0 and near.margin < nearest.get(near.what, (float("inf"),))[0]:
                    nearest[near.what] = near.margin, encode(plan, adapter.name, "sim")
        bites.update(trial.facts.bites)
        if ran >= schedules or (until is not None and time.monotonic() > until):
            break
    return ShardResult(
        shard,
        ran,
        jobs,
        tuple(found.values()),
        tuple((fault, phase, n) for (fault, phase), n in sorted(bites.items())),
        frozenset(known),
        nearest,
        dict(counts),
        tuple(drifted),
        unjudged,
    )


def _plans(explorer: Explorer, seed: int, shard: int, mix: str) -> Iterator[Plan]:
    """Plan after plan, each technique as often as the mix says."""
    shares = MIXES[mix]
    techniques, weights = list(shares), list(shares.values())
    number = 0
    while True:
        rng = Random(f"explore {seed} {shard} {number}")
        technique = rng.choices(techniques, weights)[0]
        yield from technique(explorer, rng, rng.randrange(1 << 31))
        number += 1


def _drifts(trial: Trial, adapter: Adapter) -> bool:
    again = attempt(trial.plan, adapter)
    return again.facts.history.tobytes() != trial.facts.history.tobytes()
