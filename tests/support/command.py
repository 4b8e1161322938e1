"""The command ``jobquake`` as a process of its own, and the codes that it ends with."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from support.forking import can_be, forking

HELD, VIOLATED, USAGE, ENVIRONMENT, INCONCLUSIVE, UNREAD = 0, 1, 2, 3, 4, 141
SIM = ("--driver", "sim")
COMMAND = [sys.executable, "-m", "jobquake"]
ENVIRON = {k: v for k, v in os.environ.items() if k not in ("FORCE_COLOR", "TTY_COMPATIBLE")}


def ended(
    *words: str, within: Path | None = None, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """What came of the command in that folder and environment; by default, those of the test."""
    place, here, command = within or Path.cwd(), env or os.environ, [*COMMAND, *words]
    if can_be(here):
        done = subprocess.CompletedProcess(command, *forking().run([*words], place, here))
    else:
        done = subprocess.run(command, cwd=place, env=here, capture_output=True, text=True)
    assert "Traceback" not in done.stdout + done.stderr, done.stdout + done.stderr
    return done


def jobquake(
    *words: str, within: Path, code: int, preexec_fn: Callable[[], object] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command in that folder; it must end with that code and without a traceback."""
    if preexec_fn is None:
        done = ended(*words, within=within, env=ENVIRON)
    else:
        done = subprocess.run(
            [*COMMAND, *words],
            cwd=within, env=ENVIRON, capture_output=True, text=True, preexec_fn=preexec_fn,
        )  # fmt: skip
    assert "Traceback" not in done.stdout + done.stderr
    assert done.returncode == code, done.stdout + done.stderr
    return done


def complaint(
    *words: str, within: Path, code: int, preexec_fn: Callable[[], object] | None = None
) -> str:
    """The one sentence that the command ends with, having said and left behind nothing else."""
    before = sorted(within.rglob("*"))
    done = jobquake(*words, within=within, code=code, preexec_fn=preexec_fn)
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("jobquake: ")
    assert sorted(within.rglob("*")) == before
    return lines[0]
