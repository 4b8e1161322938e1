"""The catalogue of failures; ``jobquake.scenarios.names()`` lists it.

A file here that holds ``SCENARIO`` is a scenario; the others are what scenarios are made of.
"""

from __future__ import annotations


def names() -> list[str]:
    """Every scenario that can be asked for."""
    from .registry import names  # needs what a plan is made of

    return names()
