"""How times and lengths are told to people."""

from __future__ import annotations

from typing import Any

HOURS_FROM_S = 36_000.0


def seconds(value: Any) -> str:
    """A time or a length for people; what takes hours is told in hours."""
    value_s = float(value)
    return f"{value_s:.2f} s" if value_s < HOURS_FROM_S else f"{value_s / 3600:.1f} h"
