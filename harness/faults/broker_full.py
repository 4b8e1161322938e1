"""The memory of the queue's server is full, and it refuses whatever would need more.

That is Redis at its ``maxmemory`` with the policy ``noeviction``: what it holds it keeps, what
takes something out of it still passes, and a library that takes a job with one command and notes
that with the next is refused in between.
"""

from __future__ import annotations

from typing import ClassVar

from .fault import Draws, LastingFault, Strike
from .fields import Span, When
from .world import World


class BrokerFull(LastingFault, frozen=True, tag="broker_full"):
    """From ``at_s`` for ``for_s`` seconds the queue's server has no memory left.

    It strikes each command that is refused for that reason, as the network sees it.
    """

    at_s: When
    for_s: Span

    label: ClassVar[str] = "broker full"
    short: ClassVar[str] = "server full"
    strikes_later: ClassVar[bool] = True
    needs: ClassVar[str] = "it needs the embedded network, and a Redis of jobquake's own"
    fills_server: ClassVar[bool] = True
    on_network: ClassVar[bool] = True

    def begin(self, world: World) -> bool:
        return world.fill_server()

    def heal(self, world: World) -> None:
        world.empty_server()

    @classmethod
    def draws(cls) -> Draws:
        return {}  # no store of jobquake's own has a bound that could be reached

    def sentence(self, strike: Strike) -> str:
        return f"the queue's server, whose memory was full, refused what {strike.who} sent"
