"""Quantities as people write them (``200ms``, ``40/s``, ``2%``), for click to read."""

from __future__ import annotations

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


SECONDS, RATE, SHARE, PERCENTILE = map(Quantity, ("seconds", "rate", "share", "percentile"))
