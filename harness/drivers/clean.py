"""What cleans up after a run: processes, containers, stores in others' servers, the folder.

Every process of a run carries the run's mark in its environment, and so do the children it
makes, in whichever session or group they hide.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import NamedTuple

import psutil

from ...backends import registry
from ...backends.adapter import RemoteQueue, Tenant, Unavailable
from ...blame import blaming
from ...errors import EnvironmentFault, JobquakeError
from ...leap.page import remove_page
from ...servers import container, running
from ...servers.source import MissingServer

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


def clean(workspace: Workspace, adapter: RemoteQueue | None) -> None:
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
    remove_page(mark)
    # The driver may have been killed while it started something: look once more.
    time.sleep(SETTLE_S)
    sweep(mark)
    if not workspace.kept:
        running.remove(workspace.folder)
