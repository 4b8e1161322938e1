"""The guard: makes sure that nothing of a run outlives the run, whatever ends it.

Every process of a run carries the run's mark in its environment, and so do the children
it makes, in whichever session or group they hide. The guard is a process of its own; it
knows the run's mark and folder before there is a folder, and waits until the pipe to the
driver closes, which happens however the driver dies. Then it kills every process that
carries the mark, and removes the run's container, its store in somebody else's server,
and its folder. A driver that lives does the same and lets the guard go.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import psutil

from ...backends import registry
from ...backends.adapter import Adapter, Tenant, Unavailable
from ...errors import EnvironmentFault, JobquakeError
from ...servers import container, running
from ...servers.source import MissingServer
from ..blame import blaming
from . import guard_process
from .guard_process import DONE

MARK = container.MARK
SWEEP_FOR_S = 10.0
SETTLE_S = 0.1
KEEP, REMOVE = "keep", "remove"


class Workspace(NamedTuple):
    """Where a run lives: its mark, its folder, and whether that is kept."""

    mark: str
    folder: Path
    kept: bool = False


def marked(mark: str) -> list[psutil.Process]:
    """Living processes whose environment carries this mark."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def sweep(mark: str) -> int:
    """Kill everything that carries the mark until nothing is left; how many were killed."""
    killed: set[int] = set()
    until = time.monotonic() + SWEEP_FOR_S
    while time.monotonic() < until:
        living = [process for process in marked(mark) if process.pid != os.getpid()]
        if not living:
            break
        for process in living:
            try:
                process.kill()
                killed.add(process.pid)
            except psutil.Error:
                continue
        psutil.wait_procs(living, timeout=0.2)
    return len(killed)


def clean(workspace: Workspace, adapter: Adapter | None) -> None:
    """End what carries the mark, and remove what the run keeps, here and elsewhere.

    Raises :class:`EnvironmentFault` if something had to be left, and :class:`BackendFailed` if
    the adapter raised; the folder is never left, unless it is to be kept.
    """
    sweep(workspace.mark)
    try:
        container.remove(workspace.folder)
        if isinstance(adapter, Tenant):
            with blaming(adapter.name):
                adapter.vacate(workspace.folder)
    except (Unavailable, MissingServer) as error:
        raise EnvironmentFault(f"expected to leave nothing behind, but {error}") from error
    finally:
        if not workspace.kept:
            running.remove(workspace.folder)


@contextmanager
def guarded(adapter: Adapter, keep: Path | None = None) -> Iterator[Workspace]:
    """A mark and a new folder for a run; nothing of them is left after the block.

    A folder to ``keep`` is used instead, and stays.
    """
    mark = uuid.uuid4().hex
    folder = keep.resolve() if keep else Path(tempfile.gettempdir()) / f"jobquake-{mark}"
    workspace = Workspace(mark, folder, keep is not None)
    what = KEEP if workspace.kept else REMOVE
    guard = subprocess.Popen(
        [sys.executable, "-m", guard_process.__name__, mark, str(folder), what, adapter.name],
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    last_word = b""
    try:
        workspace.folder.mkdir(mode=0o700, exist_ok=workspace.kept)
        yield workspace
    except BaseException:
        with suppress(JobquakeError):  # what went wrong first is what should be told
            clean(workspace, adapter)
        last_word = DONE
        raise
    else:
        try:
            clean(workspace, adapter)
        except JobquakeError:
            last_word = DONE  # whoever runs this tells it; the guard need not try and tell it again
            raise
        last_word = DONE
    finally:
        guard.communicate(last_word)


def clean_up_after(mark: str, folder: str, what: str, backend: str) -> None:
    """Do what the driver of that run did not live to do."""
    try:
        adapter = registry.find(backend)
    except KeyError:
        adapter = None  # handed over as an object, so no process of its own needs it either
    workspace = Workspace(mark, Path(folder), what == KEEP)
    try:
        clean(workspace, adapter)
    except JobquakeError as fault:
        print(f"jobquake: {fault}", file=sys.stderr)
    # The driver may have been killed while it started something: look once more.
    time.sleep(SETTLE_S)
    sweep(mark)
    if not workspace.kept:
        running.remove(workspace.folder)
