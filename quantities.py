"""Quantities as people write them (``200ms``, ``40/s``, ``2%``), for click to read."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import click


class Quantity(click.ParamType[float]):
    """A quantity with its unit; ``kind`` names its reader in ``capacity/units.py``."""

    def __init__(self, kind: str) -> None:
        self.name = kind

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        from .capacity import units

        read: Callable[[str], float] = getattr(units, self.name)
        try:
            return read(value) if isinstance(value, str) else value
        except units.UnitsError as error:
            self.fail(str(error), param, ctx)


class Duration(Quantity):
    """A time with its unit; a bare number is seconds, and ``2m`` are two minutes."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        if isinstance(value, str) and (found := re.fullmatch(r"(\d+(?:\.\d+)?)(m?)", value)):
            return float(found[1]) * (60.0 if found[2] else 1.0)
        return super().convert(value, param, ctx)


DURATION = Duration("seconds")
SECONDS, RATE, SHARE, PERCENTILE = map(Quantity, ("seconds", "rate", "share", "percentile"))
