"""Times for strategies: whole milliseconds, so that what Hypothesis shrinks can be read."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy


def seconds(least_s: float, most_s: float) -> SearchStrategy[float]:
    """Seconds from ``least_s`` to ``most_s``, in milliseconds; shrinks towards ``least_s``."""
    milliseconds = st.integers(round(least_s * 1000), round(most_s * 1000))
    return milliseconds.map(lambda value: value / 1000)
