"""What faults have in common, and their families: where each one strikes.

- at a time of the run: :class:`TimedFault`, which the conductor begins and heals in a world;
- at a point of a job's life: :class:`PointFault`, which the worker carries out that passes it;
- on single round trips: :class:`CallFault`, which is carried out where the message passes;
- on a round trip by its name on the wire: :class:`TripFault`, for workers and clients of others.

A fault is plain data and one file, which says what it does, how it heals, how it is drawn and
how it is told. Fields stand in the files of the faults alone, since their order is the format
of replay strings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import ClassVar, NamedTuple

from msgspec import Struct

from ...protocol.worker import Point
from .changed import fields_of
from .drawing import Sketch
from .fields import FOR_EVER_S, Call, NetEffect, Side, healing_s
from .world import Link, World


class Strike(NamedTuple):
    """What a sentence needs to know of one strike.

    ``who`` is the node that was struck, ``when`` says where its job stood, ``name`` gives the
    name of any node. ``words`` say where it was in the library's own commands, if that is known.
    """

    who: str
    when: str
    name: Callable[[int], str]
    words: str = ""


class Fault(Struct, frozen=True, array_like=True):
    """What may strike a run.

    ``label`` names it: the row of the bite matrix, from which every other name follows.
    ``short`` is what a picture has room for. ``needs`` says what not every driver has.
    ``rank`` orders faults where one is drawn: simple ones first, and what has none last.
    """

    label: ClassVar[str]
    short: ClassVar[str]
    needs: ClassVar[str] = ""
    rank: ClassVar[int] = 99
    takes_dependency_away: ClassVar[bool] = False  # what jobs depend on is down meanwhile
    floods: ClassVar[bool] = False  # it strikes who waits behind the jobs marked flood
    ends_worker: ClassVar[bool] = False  # so a story need not tell why the worker ended
    ends_process_only: ClassVar[bool] = False  # of a worker of several processes, only that one
    strikes_server: ClassVar[bool] = False  # and with it every job that the queue has just then
    fills_server: ClassVar[bool] = False  # which refuses what needs memory meanwhile
    renames_tasks: ClassVar[bool] = False  # for workers of a later version
    keeps_name: ClassVar[bool] = False  # of the worker, whose successor must have it, too
    strikes_later: ClassVar[bool] = False  # than it begins: whoever comes by is struck
    leaves_reasons_alone: ClassVar[bool] = False  # jobs die of their own errors, if at all
    on_network: ClassVar[bool] = False

    @property
    def kind(self) -> str:
        """The row of the bite matrix."""
        return self.label

    @property
    def caption(self) -> str:
        """Its name in a picture."""
        return self.short

    @property
    def planned(self) -> int:
        """How often it is meant to strike."""
        return int(getattr(self, "times", 1))

    @property
    def lasts_s(self) -> float:
        """For how long whoever is struck is struck."""
        return 0.0

    @property
    def over_at_s(self) -> float:
        """When it is over, by the plan; 0 if it has no time of its own."""
        return 0.0

    @property
    def skew_s(self) -> float:
        """How far it puts a clock ahead, or with a minus sign back; 0: it touches none."""
        return 0.0

    @property
    def nodes(self) -> Sequence[int | None]:
        """The nodes that it is about; None: all of them."""
        return (None,)

    @property
    def gone_for_ever(self) -> frozenset[int]:
        """The workers that never come back after it."""
        return frozenset()

    def sentence(self, strike: Strike) -> str:
        """What it did, without the time."""
        raise NotImplementedError

    @classmethod
    def draw(cls, rng: Random, sketch: Sketch) -> Fault:
        """One for a plan of that sketch; each field as its kind draws it."""
        return cls(**{name: kind.drawn(rng, sketch) for name, kind in fields_of(cls)})

    @classmethod
    def draws(cls) -> Draws:
        """The ways in which exploration draws it, by names that no other fault uses."""
        return {tag_of(cls).replace("_", " "): cls.draw}

    @classmethod
    def harmless_draws(cls) -> Draws:
        """Ways after which no effect is repeated, and nobody with one to report is slowed."""
        return {}

    @classmethod
    def for_ever_draws(cls) -> Draws:
        """Ways in which it never heals."""
        return {}


Drawer = Callable[[Random, Sketch], Fault]
Draws = dict[str, Drawer]


def tag_of(fault: Fault | type[Fault]) -> str:
    """What a fault is called in a replay string; "" for a family of faults."""
    return str(fault.__struct_config__.tag or "")


class TimedFault(Fault, frozen=True):
    """It begins at ``at_s`` seconds after the start, wherever everybody stands just then."""

    @property
    def at_s(self) -> float:
        raise NotImplementedError

    @property
    def heals_at_s(self) -> float | None:
        """When :meth:`heal` is due; None: never."""
        return None

    def begin(self, world: World) -> bool:
        """Carry it out. False if this world has no such power: then it strikes nothing."""
        return True

    def heal(self, world: World) -> None:
        """Undo it."""

    def strikes(self, node: int, holding: bool) -> bool:
        """Whether it strikes that worker when it begins; ``holding``: it has a job in hand."""
        return False

    @property
    def strikes_waiting(self) -> bool:
        """Whether whoever waits to be leased is struck when it begins."""
        return False


class LastingFault(TimedFault, frozen=True):
    """A timed fault that lasts for ``for_s`` seconds."""

    @property
    def for_s(self) -> float:
        raise NotImplementedError

    @property
    def lasts_s(self) -> float:
        return self.for_s

    @property
    def heals_at_s(self) -> float | None:
        return self.at_s + self.for_s if self.for_s < FOR_EVER_S else None

    @property
    def over_at_s(self) -> float:
        return self.at_s + healing_s(self.for_s)

    def active(self, at_s: float) -> bool:
        """Whether it lasts at that time of the run."""
        return self.at_s <= at_s < self.at_s + self.for_s


class LinkFault(LastingFault, frozen=True):
    """A lasting fault of the links between nodes and the queue: ``link`` says all of it."""

    on_network: ClassVar[bool] = True

    def link(self, node: int) -> Link | None:
        """What this node's messages meet meanwhile; None: nothing."""
        raise NotImplementedError

    def begin(self, world: World) -> bool:
        return world.change_links()

    def heal(self, world: World) -> None:
        world.restore_links()

    def strikes(self, node: int, holding: bool) -> bool:
        return holding and self.link(node) is not None

    @property
    def strikes_waiting(self) -> bool:
        return self.nodes == (None,)


class PointFault(Fault, frozen=True):
    """It strikes the worker that brings ``job`` to ``point`` for the ``nth`` time."""

    @property
    def job(self) -> int:
        raise NotImplementedError

    @property
    def point(self) -> Point:
        raise NotImplementedError

    @property
    def nth(self) -> int:
        raise NotImplementedError

    @property
    def last(self) -> int:
        """The last passing of its point that it strikes."""
        return self.nth + self.planned - 1


class CallFault(Fault, frozen=True):
    """It strikes round trips of kind ``call``, from the ``nth`` on, counted over all nodes."""

    on_network: ClassVar[bool] = True

    @property
    def call(self) -> Call:
        raise NotImplementedError

    @property
    def nth(self) -> int:
        raise NotImplementedError

    @property
    def how(self) -> NetEffect:
        raise NotImplementedError

    @property
    def delay_s(self) -> float:
        raise NotImplementedError

    @property
    def times(self) -> int:
        raise NotImplementedError


class TripFault(Fault, frozen=True):
    """It strikes one round trip between a library and its broker, known by its name on the wire.

    ``nth``: the how manieth of that name since the run began, over all nodes of ``side``. 0: the
    one whose answer carries the job; at its request, that is the first of that name of all.
    """

    on_network: ClassVar[bool] = True

    @property
    def side(self) -> Side:
        raise NotImplementedError

    @property
    def trip(self) -> str:
        raise NotImplementedError

    @property
    def nth(self) -> int:
        raise NotImplementedError

    @property
    def job(self) -> int:
        """The job whose round trip it is."""
        raise NotImplementedError

    @property
    def at_answer(self) -> bool:
        """Whether it strikes when the answer has come, or else before the request has passed."""
        raise NotImplementedError
