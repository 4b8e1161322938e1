"""From a broken guarantee, and what the history shows, to its likely cause and what prevents it.

What is known of them stands in ``likely_causes.toml``.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct, toml

from .promises import EXPECTED


class Advice(NamedTuple):
    """``expected`` is the promise; ``cause`` and ``practice`` are sentences for its author."""

    expected: str
    cause: str
    practice: str


class Rule(Struct, frozen=True, forbid_unknown_fields=True):
    """What to say when all of the ``signs`` (:mod:`.symptoms`) were seen."""

    cause: str
    practice: str
    signs: tuple[str, ...] = ()


@cache
def rules() -> dict[str, list[Rule]]:
    """The rules about each guarantee, the particular before the general."""
    text = Path(__file__).with_name("likely_causes.toml").read_text(encoding="utf-8")
    return toml.decode(text, type=dict[str, list[Rule]])


def advice(guarantee: str, symptoms: set[str]) -> Advice | None:
    """What to say of this broken guarantee; None for a guarantee without rules."""
    for rule in rules().get(guarantee, ()):
        if symptoms.issuperset(rule.signs):
            return Advice(EXPECTED[guarantee], rule.cause, rule.practice)
    return None
