"""A Toxiproxy of our own, embedded: same API, seeded, and with faults tied to round trips.

    with Embedded(seed=7) as toxiproxy: ...

The way of a byte: ``proxy`` accepts a connection and dials the server; the two sockets are
the ends of a ``link``; between them run two ``lane``s, one per direction, on which every
toxic is a ``stage``; ``toxics`` say what a stage does. A ``tap`` sees the bytes before all
that, and the ``watch`` is one: it counts round trips and strikes them (``triggers``).
Above, ``server`` knows all proxies, ``api`` and ``extension`` are their HTTP routes, and
``embedded`` runs the whole. Listening without a host means the loopback here, not every
interface of the machine.
"""

from __future__ import annotations

from .embedded import Embedded

__all__ = ["Embedded"]
