"""``from jobquake import strategies``: the Hypothesis strategies, where users look for them."""

from __future__ import annotations

from .harness.strategies import *  # noqa: F403 (its __all__ is the public face)
