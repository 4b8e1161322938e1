"""The ways of making the next plan, and the portfolio that mixes them.

No technique finds everything: a plain draw finds what is common, forced orders what is deep,
scripts what experience knows, mutation what lies near something strange, and the liveness
mode what needs a part that stays broken for ever.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random

from msgspec.structs import replace

from ..plan.plan import Plan
from ..record.facts import Facts
from . import pct
from .draw import draw
from .fair import made_fair, sketch_of, with_time
from .mutate import mutated
from .scripts import SCRIPTS
from .swarm import Space, Swarm, everything, swarm

KEPT = 64  # interesting plans that may be mutated, the newest

# A technique yields plans; after each the explorer knows the facts of the run that came of it.
Technique = Callable[["Explorer", Random, int], Iterator[Plan]]


@dataclass
class Explorer:
    """What the techniques of one shard share: how large plans are, what was interesting.

    ``last`` are the facts of the run before, ``swarm`` is what its plan was drawn from.
    """

    space: Space = field(default_factory=Space)
    interesting: deque[tuple[Plan, Swarm]] = field(default_factory=lambda: deque(maxlen=KEPT))
    last: Facts | None = None
    swarm: Swarm = field(default_factory=everything)

    def learn(self, facts: Facts, new: bool) -> None:
        """That run is over; it showed something new, or it did not."""
        self.last = facts
        if new and facts.plan.variant == "mixed":
            self.interesting.append((facts.plan, self.swarm))


def swarmed(explorer: Explorer, rng: Random, seed: int) -> Iterator[Plan]:
    """A fresh plan from a fresh swarm."""
    explorer.swarm = swarm(rng)
    yield draw(rng, explorer.swarm, explorer.space, seed)


def lasting(explorer: Explorer, rng: Random, seed: int) -> Iterator[Plan]:
    """Something stays broken for ever, and the healthy rest must still drain."""
    here = swarm(rng, for_ever=True)._replace(shape="mixed")
    explorer.swarm = here
    yield draw(rng, here, explorer.space, seed)


def uniform(explorer: Explorer, rng: Random, seed: int) -> Iterator[Plan]:
    """Everything may be in every plan: no technique at all, for comparison."""
    explorer.swarm = everything()
    yield draw(rng, explorer.swarm, explorer.space, seed)


def forced(explorer: Explorer, rng: Random, seed: int) -> Iterator[Plan]:
    """A plan without faults, then again with one forced order after the other."""
    explorer.swarm = swarm(rng)._replace(shape="mixed")
    small = explorer.space._replace(jobs=4)
    plan = replace(draw(rng, explorer.swarm, small, seed), faults=())
    yield plan
    for _ in range(pct.depth(rng)):
        assert explorer.last is not None
        yield with_time(made_fair(pct.forced(rng, explorer.last)))


def scripted(explorer: Explorer, rng: Random, seed: int) -> Iterator[Plan]:
    """A plan without faults, and on it an order of faults that has broken queues before."""
    explorer.swarm = swarm(rng)._replace(shape="mixed")
    small = explorer.space._replace(jobs=4)
    plan = replace(draw(rng, explorer.swarm, small, seed), faults=())
    faults, actions = rng.choice(SCRIPTS)(rng, sketch_of(plan))
    plan = replace(plan, faults=tuple(faults), actions=(*plan.actions, *actions))
    yield with_time(made_fair(plan))


def mutation(explorer: Explorer, rng: Random, seed: int) -> Iterator[Plan]:
    """A small change of a plan that showed something new."""
    if not explorer.interesting:
        yield from swarmed(explorer, rng, seed)
        return
    plan, explorer.swarm = rng.choice(explorer.interesting)
    yield mutated(rng, plan, explorer.swarm)


PORTFOLIO: dict[Technique, float] = {
    swarmed: 0.4,
    forced: 0.2,
    scripted: 0.15,
    mutation: 0.2,
    lasting: 0.05,
}
UNIFORM: dict[Technique, float] = {uniform: 1.0}
MIXES = {"portfolio": PORTFOLIO, "uniform": UNIFORM} | {
    technique.__name__: {technique: 1.0} for technique in PORTFOLIO
}
