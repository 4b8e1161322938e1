"""Which features and which kinds of fault exist in a plan at all, before it is drawn.

Swarm testing (Groce et al., 2012): a plan that has a bit of everything hides what two of them
do together, so each plan leaves most of it out, and gives the rest wild weights.
"""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from .faults import FOR_EVER, HARMLESS, KINDS

FEATURES = (
    "failures", "permanent", "malformed", "hangs", "delays", "priorities",
    "long jobs", "same work", "replay", "late arrivals", "poison", "short timeouts",
    "steep backoff",
    "payloads", "odd names", "odd priorities", "submitted again", "patient workers",
)  # fmt: skip
SHAPES = (
    *("mixed",) * 8,
    *("blind",) * 3,
    *("again", "crowd", "pools", "urgent", "shared", "full", "month", "stubborn"),
    *("deploys",) * 2,
)


class Space(NamedTuple):
    """How large a plan may be."""

    jobs: int = 8
    workers: int = 4
    faults: int = 6


class Swarm(NamedTuple):
    """What exists in one plan: features of its workload, kinds of faults with their weights."""

    shape: str
    features: frozenset[str]
    kinds: dict[str, float]


def swarm(rng: Random, for_ever: bool = False) -> Swarm:
    """Draw what may exist: about half of the features, few kinds of faults, wild weights."""
    shape = rng.choice(SHAPES)
    odds = rng.choice((0.1, 0.25, 0.5))
    features = frozenset(f for f in FEATURES if rng.random() < odds)
    kinds = HARMLESS if shape == "blind" else KINDS
    exist = rng.sample(list(kinds), min(len(kinds), rng.choice((1, 1, 2, 2, 3, 4, 6))))
    weights = {kind: 2 ** rng.uniform(0.0, 4.0) for kind in exist}
    if for_ever and shape == "mixed":
        weights |= dict.fromkeys(FOR_EVER, 8.0)
    return Swarm(shape, features, weights)


def everything() -> Swarm:
    """All features and all kinds of faults with the same weight: plain random plans."""
    return Swarm("mixed", frozenset(FEATURES), dict.fromkeys(KINDS, 1.0))
