"""The clients of a run as real processes: producers and an operator, started once each."""

from __future__ import annotations

from collections.abc import Iterator

from .tree import Running, kill_group, kill_tree


class Clients:
    """By the numbers of their nodes. Nobody starts one again that a fault has killed."""

    def __init__(self) -> None:
        self._running: dict[int, Running] = {}
        self._killed: set[int] = set()

    def add(self, node: int, process: Running) -> None:
        self._running[node] = process

    @property
    def at_work(self) -> bool:
        return any(process.poll() is None for process in self._running.values())

    def statuses(self) -> Iterator[tuple[int, int | None]]:
        """Each with the status with which it ended, without those that a fault has killed."""
        for node, process in self._running.items():
            if node not in self._killed:
                yield node, process.poll()

    def kill(self, node: int) -> None:
        """A fault kills that client with all its children, if it is one."""
        if process := self._running.get(node):
            self._killed.add(node)
            kill_tree(process.pid)
            process.wait()

    def end(self) -> None:
        """Kill who is still at it at the deadline: what comes after the last look looks lost."""
        for process in self._running.values():
            if process.poll() is None:
                kill_group(process)
