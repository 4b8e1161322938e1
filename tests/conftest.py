"""Fixtures that many test files share: a Toxiproxy of each kind, and a line through it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings
from support import toxiproxies
from support.toxiproxies import KINDS, Api, Line

# How long an example takes says how busy the machine is.
settings.register_profile("patient", settings(), deadline=None)
settings.load_profile("patient")


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
