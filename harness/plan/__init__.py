"""The plan: a scenario made concrete by a seed, as plain data that replays anywhere."""

from __future__ import annotations

from ..._moved import names_of

__getattr__ = names_of(
    __name__,
    f"{__name__}.plan",
    f"{__name__}.replay",
    f"{__name__}.armor",
    "jobquake.faults",
)
