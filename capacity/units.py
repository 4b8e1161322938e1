"""Times, rates and shares as people write them: ``200ms``, ``40/s``, ``2%``; and back."""

from __future__ import annotations

import re
from math import isfinite

from ..errors import UsageError

UNITS_S = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


class UnitsError(UsageError, ValueError):
    """The text is no such quantity. The message says what was expected and what was found."""


def seconds(text: str) -> float:
    """A time, such as ``200ms``, ``1.5s`` or ``2min``, in seconds."""
    expected = "a time with its unit, such as 200ms, 1.5s or 2min"
    number, unit = _split(text, r"(.+?)\s*([a-z]+)", expected)
    return _positive(number, text, expected) * _unit(unit, text, expected)


def rate(text: str) -> float:
    """A rate, such as ``40/s`` or ``1/h``, per second."""
    expected = "a rate with its unit, such as 40/s or 1/h"
    number, unit = _split(text, r"(.+?)\s*/\s*([a-z]+)", expected)
    return _positive(number, text, expected) / _unit(unit, text, expected)


def share(text: str) -> float:
    """A share, such as ``2%`` or ``0.02``, from 0 to 1."""
    expected = "a share from 0% to 100%, such as 2% or 0.02"
    number, percent = _split(text, r"(.+?)\s*(%?)", expected)
    value = _positive(number, text, expected) / (100.0 if percent else 1.0)
    if value > 1.0:
        raise UnitsError(f"expected {expected}, found {text!r}")
    return value


def percentile(text: str) -> float:
    """A percentile between 0 and 100, such as ``95``, as a share from 0 to 1."""
    expected = "a percentile between 0 and 100, such as 95"
    number, _ = _split(text, r"(.+?)\s*(%?)", expected)
    value = _positive(number, text, expected) / 100.0
    if not 0.0 < value < 1.0:
        raise UnitsError(f"expected {expected}, found {text!r}")
    return value


def seconds_text(time_s: float) -> str:
    """A time as people read it, to three digits."""
    if 0.0 < time_s < 1.0:
        return f"{time_s * 1e3:.3g} ms"
    for unit in ("s", "min", "h"):
        if time_s < 999.5 * UNITS_S[unit]:
            return f"{time_s / UNITS_S[unit]:.3g} {unit}"
    return f"{time_s / UNITS_S['d']:.3g} days"


def _split(text: str, pattern: str, expected: str) -> tuple[str, str]:
    found = re.fullmatch(pattern, text.strip())
    if not found:
        raise UnitsError(f"expected {expected}, found {text!r}")
    return found[1], found[2]


def _positive(number: str, text: str, expected: str) -> float:
    try:
        value = float(number)
    except ValueError:
        value = -1.0
    if not isfinite(value) or value < 0.0:
        raise UnitsError(f"expected {expected}, found {text!r}")
    return value


def _unit(unit: str, text: str, expected: str) -> float:
    if unit not in UNITS_S:
        raise UnitsError(f"expected {expected}, found {text!r}; units are {', '.join(UNITS_S)}")
    return UNITS_S[unit]
