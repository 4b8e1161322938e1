"""The guard: makes sure that nothing of a run outlives the run, whatever ends it.

The guard is a process of its own; it knows the run's mark and folder before there is a
folder, and waits until the pipe to the driver closes, which happens however the driver dies.
Then it cleans up (:mod:`.clean`). A driver that lives does the same and lets the guard go.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ...backends.adapter import RemoteQueue
from ...errors import EnvironmentFault, JobquakeError
from . import guard_process
from .clean import KEEP, REMOVE, Workspace, clean
from .guard_process import DONE

ROOM_BYTES = 4 << 20  # for the ledger and the queue of a run: less has always been too little
FULL_BYTES = 64 << 10


@contextmanager
def guarded(adapter: RemoteQueue, keep: Path | None = None) -> Iterator[Workspace]:
    """A mark and a new folder for a run; nothing of them is left after the block.

    A folder to ``keep`` is used instead, and stays. Raises :class:`EnvironmentFault` where there
    is no room for a run, or where something failed and there is none left.
    """
    mark = uuid.uuid4().hex
    folder = keep.resolve() if keep else Path(tempfile.gettempdir()) / f"jobquake-{mark}"
    if full := _no_room(folder.parent, ROOM_BYTES):
        raise full
    workspace = Workspace(mark, folder, keep is not None)
    what = KEEP if workspace.kept else REMOVE
    guard = subprocess.Popen(
        [sys.executable, "-m", guard_process.__name__, mark, str(folder), what, adapter.name],
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        workspace.folder.mkdir(mode=0o700, exist_ok=workspace.kept)
        yield workspace
    except BaseException as error:
        full = _no_room(folder.parent, FULL_BYTES)  # before what fills it is taken away
        _finish(workspace, adapter, guard)  # what went wrong first is what should be told
        if full and isinstance(error, JobquakeError | OSError):
            raise full from error
        raise
    if fault := _finish(workspace, adapter, guard):
        raise fault


def _no_room(place: Path, needed: int) -> EnvironmentFault | None:
    """What to say of a disk that has no room for so many bytes; nothing, if it has."""
    with suppress(OSError):  # who makes the folder will tell
        free = shutil.disk_usage(place).free
        if free < needed:
            return EnvironmentFault(
                f"expected room for a run below {place}, {needed // 1024:,} KiB, found "
                f"{free // 1024:,} KiB; make room there, or name another place with TMPDIR"
            )
    return None


def _finish(
    workspace: Workspace, adapter: RemoteQueue, guard: subprocess.Popen[bytes]
) -> JobquakeError | None:
    """Clean up and let the guard go. What stood in the way is the caller's to tell.

    If anything else is raised, the guard has to clean up.
    """
    fault, last_word = None, DONE
    try:
        clean(workspace, adapter)
    except JobquakeError as error:
        fault = error
    except BaseException:
        last_word = b""
        raise
    finally:
        guard.communicate(last_word)
    return fault
