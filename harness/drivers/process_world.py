"""What a fault can do to real processes: the verbs of a world, in the words of the driver."""

from __future__ import annotations

from typing import Protocol

from ..faults import LinkFault, TimedFault
from .network import Network
from .server import Server


class Powers(Protocol):
    """The driver, as far as faults have to do with it; ``number`` is that of the fault."""

    server: Server
    network: Network | None

    def kill(self, number: int, worker: int, back_s: float | None) -> None: ...
    def stop(self, number: int, worker: int, within_s: float) -> None: ...
    def deploy(self, number: int, worker: int, within_s: float) -> bool: ...
    def skew(self, node: int, by_s: float) -> bool: ...


class ProcessWorld:
    """See :class:`..faults.world.World`: the powers of one fault over real processes."""

    def __init__(self, run: Powers, number: int, fault: TimedFault) -> None:
        self._run = run
        self._number = number
        self._fault = fault

    def kill(self, worker: int, back_s: float | None) -> None:
        self._run.kill(self._number, worker, back_s)

    def stop(self, worker: int, within_s: float) -> None:
        self._run.stop(self._number, worker, within_s)

    def crash_server(self) -> bool:
        return self._run.server.crash()  # a file cannot crash

    def start_server(self) -> None:
        self._run.server.start()

    def fill_server(self) -> bool:
        network = self._run.network
        filled = network is not None and self._run.server.fill(full=True)
        if network and filled:
            network.full = self._number
        return filled

    def empty_server(self) -> None:
        self._run.server.fill(full=False)
        if self._run.network:
            self._run.network.full = None

    def deploy(self, worker: int, within_s: float) -> bool:
        return self._run.deploy(self._number, worker, within_s)

    def change_links(self) -> bool:
        network = self._run.network
        if network is None or not isinstance(self._fault, LinkFault):
            return False
        network.begin(self._number, self._fault)
        return True

    def restore_links(self) -> None:
        if self._run.network and isinstance(self._fault, LinkFault):
            self._run.network.heal(self._number, self._fault)

    def skew(self, node: int, by_s: float) -> bool:
        return self._run.skew(node, by_s)
