"""Puts the tagged queue where jobquake and the processes that it starts find it by its name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from jobquake.backends import registry

FOLDER = Path(__file__).parent / "tagged"


def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if its package were installed, for this test and what it starts."""
    monkeypatch.syspath_prepend(FOLDER)
    seen = os.environ.get("PYTHONPATH")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(FOLDER), seen])))
    registry.find.cache_clear()
