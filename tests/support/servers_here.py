"""Real servers for tests, one of each kind per test process, started when first wanted.

A missing server skips its tests on a developer's machine and fails them in CI, where
nobody would notice that they are gone.
"""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from jobquake.backends.reference import places
from jobquake.backends.reference.stores.store import SharedStore
from jobquake.errors import EnvironmentFault

KINDS = ("redis", "postgres")


def or_skip(start: Callable[[], object]) -> object:
    """What ``start()`` gives; without the server: skip, or fail in CI."""
    try:
        return start()
    except EnvironmentFault as missing:
        if os.environ.get("CI", "").lower() in ("true", "1"):
            pytest.fail(str(missing))
        pytest.skip(str(missing))


def address(kind: str) -> str:
    """HOST:PORT of this test process's server; it ends with the process."""
    return str(or_skip(lambda: places.own_server(kind)))


@contextmanager
def fresh_store(kind: str) -> Iterator[SharedStore]:
    """A store of its own name in the server, removed at the end."""
    name = f"test-{uuid.uuid4().hex}"
    store = places.open_store(kind, places.url_of(kind, address(kind)), name, 5.0)
    try:
        yield store
    finally:
        store.destroy()
        store.close()


@contextmanager
def folder() -> Iterator[Path]:
    """A folder that only we may enter, as run folders are."""
    with tempfile.TemporaryDirectory(prefix="jobquake-test-") as name:
        yield Path(name)
