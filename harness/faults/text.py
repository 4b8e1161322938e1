"""Kinds of fields that hold words which nobody can list beforehand."""

from __future__ import annotations

from .kind import OneOf

EXAMPLES = ("LPUSH q", "BRPOP q", "POST /charges")


class TripName(OneOf):
    """What a round trip is called on the wire (see :mod:`....wires`); any text is one."""

    def __init__(self) -> None:
        super().__init__(EXAMPLES)

    def wrong(self, value: str) -> str:
        return "" if isinstance(value, str) and value else "the name of a round trip"
