"""Puts a queue of ours where jobquake and the processes that it starts find it by its name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from jobquake.backends import registry

HERE = Path(__file__).parent


def installed(monkeypatch: pytest.MonkeyPatch, name: str = "tagged") -> None:
    """As if the package in that folder were installed, for this test and what it starts."""
    folder = HERE / name
    monkeypatch.syspath_prepend(folder)
    seen = os.environ.get("PYTHONPATH")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(folder), seen])))
    registry.find.cache_clear()
