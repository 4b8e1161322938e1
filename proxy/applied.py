"""A toxic as it was put on a proxy: its name, type, stream, toxicity and settings.

Plain data that all connections share. What runs for it on one connection is a stage.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from .toxics.toxic import Kind, Toxic


class Direction(enum.Enum):
    """Which of the two one-way streams of a connection."""

    UPSTREAM = "upstream"  # from the client to the server
    DOWNSTREAM = "downstream"


@dataclass
class Applied:
    """``stream`` is the direction as it was spelt. ``toxicity`` and ``toxic`` may change.

    ``toxicity`` is the chance, per connection, that the toxic does anything at all.
    """

    name: str
    type: str
    kind: Kind
    stream: str
    direction: Direction
    toxicity: float
    toxic: Toxic
