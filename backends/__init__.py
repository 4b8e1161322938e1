"""What can be shaken; ``jobquake.backends.names()`` lists it. An adapter is one object."""

from __future__ import annotations


def names() -> list[str]:
    """Every backend that can be asked for."""
    from .registry import names  # needs what an adapter is made of

    return names()
