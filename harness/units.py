"""How times and lengths are told to people."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, isinf, log10
from typing import Any

HOURS_FROM_S = 36_000.0
HUNDREDTHS_FROM_S = 0.095
SMALLEST_S = 1e-6  # what is less is nothing: a rounding error of the sums


def seconds(value: Any) -> str:
    """A time or a length for people, never rounded to nothing.

    What takes hours is told in hours, what is shorter than a tenth of a second in two digits, and
    what has no end is "ever".
    """
    value_s = float(value)
    if value_s >= HOURS_FROM_S:
        return "ever" if isinf(value_s) else f"{value_s / 3600:.1f} h"
    if SMALLEST_S <= abs(value_s) < HUNDREDTHS_FROM_S:
        return f"{two_digits(value_s)} s"
    return f"{value_s:.2f} s"


def two_digits(value: float) -> str:
    """A number below one with its two leading digits, and no exponent: 0.0042."""
    return f"{value:.{1 - floor(log10(abs(value)))}f}"


def moments(values: Sequence[Any]) -> str:
    """Several times as a list in words, with as many digits as it takes to tell them apart."""
    told = [seconds(value) for value in values]
    for digits in range(3, 7):
        if len(set(told)) == len(set(map(float, values))):
            break
        told = [f"{float(value):.{digits}f} s" for value in values]
    return " and ".join(told)
