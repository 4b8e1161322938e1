"""Newer deliveries are found as a plain search finds them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from jobquake.harness.record.leases import HandOver, _InTime


def _searched(handed_out: list[HandOver], token: int, before_s: float) -> HandOver | None:
    """The first above this token, after the token itself was handed out for the last time."""
    by_then = [one for one in handed_out if one.at_s < before_s]
    born = max((one.row for one in by_then if one.token == token), default=-1)
    return next((one for one in by_then if one.token > token and one.row > born), None)


@given(st.lists(st.integers(1, 4), max_size=8), st.integers(0, 5), st.integers(0, 8))
def test_the_first_newer_delivery_is_found_whatever_the_tokens(
    tokens: list[int], token: int, before: int
) -> None:
    handed_out = [HandOver(float(row), one, row) for row, one in enumerate(tokens)]
    found = _InTime(handed_out).newer(token, before - 0.5)
    assert found == _searched(handed_out, token, before - 0.5)
