"""Ctrl-C is never swallowed, wherever in the code it strikes."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator

import pytest
from jobquake.cli.interrupt import interrupts_kept


class Struck:
    """The interrupt comes while this is finalised."""

    def __del__(self) -> None:
        signal.raise_signal(signal.SIGINT)


class Failing:
    def __del__(self) -> None:
        raise ValueError("a finaliser that fails")


def struck(times: int = 1) -> None:
    for _ in range(times):
        Struck()
    time.sleep(30)


@pytest.fixture
def unraised() -> Iterator[list[type[BaseException]]]:
    """What nobody could catch."""
    found: list[type[BaseException]] = []
    before, sys.unraisablehook = sys.unraisablehook, lambda told: found.append(told.exc_type)
    yield found
    sys.unraisablehook = before


def test_python_alone_swallows_it(unraised: list[type[BaseException]]) -> None:
    Struck()
    assert unraised == [KeyboardInterrupt]


def test_an_interrupt_inside_a_finaliser_is_seen_after_it(
    unraised: list[type[BaseException]],
) -> None:
    with interrupts_kept():
        with pytest.raises(KeyboardInterrupt):
            struck()
        Failing()
    assert unraised == [ValueError]


def test_one_that_is_swallowed_again_comes_again(unraised: list[type[BaseException]]) -> None:
    with interrupts_kept(), pytest.raises(KeyboardInterrupt):
        struck(times=20)
    assert unraised == []


def test_afterwards_everything_is_as_before(unraised: list[type[BaseException]]) -> None:
    alarm = signal.getsignal(signal.SIGALRM)
    with interrupts_kept():
        assert signal.getsignal(signal.SIGALRM) is not alarm
    assert signal.getsignal(signal.SIGALRM) is alarm
    Struck()
    assert unraised == [KeyboardInterrupt]
