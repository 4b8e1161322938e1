"""What a scenario is: a name, an explanation, and a plan for every seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from ..harness.plan import guarantees
from ..harness.plan.plan import Plan

if TYPE_CHECKING:
    from ..harness.run import Driver

# What every scenario must leave standing; the headline is about the first that is broken.
ALWAYS = (*guarantees.ALWAYS, "faults_hit")


@dataclass(frozen=True)
class Scenario:
    """Workload, topology, faults, and the guarantees they must leave standing.

    ``build(rng, seed, variant)`` makes the plan. ``variants`` lists what it can build,
    the default first. A control is a variant without the practice: it names the check
    that must find it wanting, and so proves that the check can fail. ``driver`` is the only
    one that can carry the plans out, None: any can. Lists have scenarios in the order of their
    ``rank``; those that are ``main`` run when nobody names any. ``delays_in_leases``: delays are so
    many leases of the plan, and so many of a library's own.
    """

    name: str
    summary: str
    build: Callable[[Random, int, str], Plan]
    variants: tuple[str, ...] = ("default",)
    controls: Mapping[str, str] = field(default_factory=dict)
    driver: Driver | None = None
    rank: int = 1000
    main: bool = False
    delays_in_leases: bool = False

    def plan(self, seed: int, variant: str | None = None) -> Plan:
        """The plan of that seed. Raises KeyError for an unknown variant."""
        variant = variant or self.variants[0]
        if variant not in self.variants:
            raise KeyError(variant)
        return self.build(Random(f"{self.name} {variant} {seed}"), seed, variant)
