"""What an import costs: the modules that come along with it."""

from __future__ import annotations

import subprocess
import sys

HEAVY = {"numpy", "simpy", "hypothesis", "jinja2", "rich", "click", "psutil", "pytest", "asyncio"}


def loaded_by(statements: str) -> set[str]:
    """What stands in ``sys.modules`` after these statements, in a fresh interpreter."""
    script = f"{statements}\nimport sys; print(*sys.modules)"
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    return set(told.stdout.split())
