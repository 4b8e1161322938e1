"""Soak: round after round on one queue, for hours."""

from __future__ import annotations

from ..._moved import names_of

__getattr__ = names_of(__name__, f"{__name__}.soak")
