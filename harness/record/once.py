"""What is made of a run's facts is made once, however many checks ask for it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar
from weakref import WeakKeyDictionary

from .facts import Facts

Made = TypeVar("Made")


def once(make: Callable[[Facts], Made]) -> Callable[[Facts], Made]:
    """``make``, which keeps what it has made for as long as the facts are there."""
    kept: WeakKeyDictionary[Facts, Made] = WeakKeyDictionary()

    @wraps(make)
    def made(facts: Facts) -> Made:
        if facts not in kept:
            kept[facts] = make(facts)
        return kept[facts]

    return made
