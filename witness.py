"""Who is told of each run that is made in this process: the pytest plugin, which keeps a failing
test's.

It lies below the faces that make runs (``jobquake.run``, ``jobquake.app``), so that whatever a test
asserts of a run, by whichever face it was made, the run can be kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .harness.run import Run

_witnesses: list[Callable[[Run], object]] = []


def tell(run: Run) -> Run:
    """Tell everybody who wants to know; the run."""
    for witness in _witnesses:
        witness(run)
    return run


@contextmanager
def witnessed(by: Callable[[Run], object]) -> Iterator[None]:
    """As long as the block lasts, ``by`` is called with each run that was judged."""
    _witnesses.append(by)
    try:
        yield
    finally:
        _witnesses.remove(by)
