"""What passes on a connection, cut into requests and answers and named: one file a protocol.

A round trip is named by what passes ("LPUSH q", "POST /charges"), so that it can be found again in
another run and in another version of a library. Which protocol a connection speaks is seen from
its first bytes; one that nobody knows here is told by place and size. Nothing changes a byte.
"""

from __future__ import annotations

from importlib import import_module

from ..listing import files
from .wire import Talk, Wire


def _found() -> list[Wire]:
    """The wire of each file of this folder that has one, the one for the rest last."""
    modules = [import_module(f"{__name__}.{name}") for name in files(__name__)]
    wires = [module.WIRE for module in modules if hasattr(module, "WIRE")]
    return sorted(wires, key=lambda wire: (wire.rank, wire.name))


WIRES = _found()


def talk_of(first: bytes) -> Talk:
    """What reads a connection on which the client sends these bytes first."""
    return next(wire for wire in WIRES if wire.speaks(first)).talk()
