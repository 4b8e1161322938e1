"""Fixtures that many test files share: a Toxiproxy of each kind, a line through it, a clock.

Beside every run that leaps there is a watcher: see ``support/watching.py``.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings
from jobquake.harness.drivers import leaping_time
from jobquake.leap.clock import LeapingClock
from jobquake.leap.compiling import compiler
from support import toxiproxies, watching
from support.toxiproxies import KINDS, Api, Line

# How long an example takes says how busy the machine is.
settings.register_profile("patient", settings(), deadline=None, max_examples=50)
settings.load_profile("patient")


@pytest.fixture(autouse=True, scope="session")
def _watched() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        if compiler():
            patch.setattr(leaping_time, "leaping_time", watching.watched)
        yield


@pytest.fixture(scope="module", params=KINDS)
def toxiproxy(request: pytest.FixtureRequest) -> Iterator[Api]:
    """The API of a server of each kind, one server per test file."""
    with toxiproxies.running(request.param) as api:
        yield api


@pytest.fixture
def api(toxiproxy: Api) -> Iterator[Api]:
    """The API of a server that has no proxies."""
    yield toxiproxy
    toxiproxy.clear()


@pytest.fixture
def line(api: Api) -> Iterator[Line]:
    """A proxy from a client to a peer that the test plays, without toxics."""
    line = Line(api, "line")
    with line.cleanup:
        yield line


@pytest.fixture
def clock() -> Iterator[LeapingClock]:
    """A clock for processes in leaping time, whose governor lives as long as the test."""
    with LeapingClock() as clock:
        yield clock
        clock.check()
