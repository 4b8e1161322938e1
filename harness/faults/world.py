"""What a fault can do to a run: the verbs that each driver has.

A driver makes a world for each fault that is due; the world knows the number of the fault, so
that what it strikes is written down. The conductor calls ``begin`` and ``heal`` of the fault.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol


class Link(NamedTuple):
    """What a message between a node and the queue meets while a fault lasts.

    ``passes``: it arrives, ``later_s`` later each way. Otherwise it is lost, and, if ``refused``,
    its sender is told at once, since nobody listens.
    """

    passes: bool
    later_s: float = 0.0
    refused: bool = False


CUT = Link(passes=False)
REFUSED = Link(passes=False, refused=True)


class World(Protocol):
    """The powers over one run, for one fault of its plan."""

    def kill(self, worker: int, back_s: float | None) -> None:
        """SIGKILL to this worker and its children; whatever it holds is struck.

        Its successor starts ``back_s`` seconds later; None: as soon as the plan says.
        """

    def stop(self, worker: int, within_s: float) -> None:
        """SIGTERM to this worker, and SIGKILL if it is not gone ``within_s`` seconds later."""

    def crash_server(self) -> bool:
        """Kill the queue's server; False if it has none."""

    def start_server(self) -> None:
        """Start the queue's server again."""

    def fill_server(self) -> bool:
        """The memory of the queue's server is full from now on; False if that cannot be."""

    def empty_server(self) -> None:
        """The server has memory again."""

    def deploy(self, worker: int, within_s: float) -> bool:
        """Like ``stop``; the worker's successor is of a version that knows the plan's task no more.

        False where workers know no tasks by names.
        """

    def change_links(self) -> bool:
        """The fault's ``link`` holds for each node from now on; False without a network."""

    def restore_links(self) -> None:
        """The fault's ``link`` holds no longer."""

    def skew(self, node: int, by_s: float) -> bool:
        """The wall clock of that node jumps by so much; False if clocks cannot be skewed."""
