"""The catalogue of failures; ``jobquake.scenarios.names()`` lists it, one file for each."""

from __future__ import annotations


def names() -> list[str]:
    """Every scenario that can be asked for."""
    from .registry import names  # needs what a plan is made of

    return names()
