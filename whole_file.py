"""Files that may come from strangers: read whole and at once, or refused in one sentence.

A run folder, a kept failure or a plan may be anybody's. Reading a FIFO waits for ever, a device may
never end, and a sparse file of a few bytes may be larger than memory.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

MOST = 1 << 30
KINDS = {
    stat.S_IFIFO: "a FIFO",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
    stat.S_IFDIR: "a folder",
}


def read_whole(path: Path, most: int = MOST) -> bytes:
    """All bytes of a regular file of at most ``most`` bytes.

    Raises ValueError for anything else, OSError if it cannot be read.
    """
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # of a FIFO, too, at once
    with os.fdopen(file, "rb", closefd=True) as opened:
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode):
            kind = KINDS.get(stat.S_IFMT(found.st_mode), "no file")
            raise ValueError(f"expected a regular file, found {kind}: {path.name}")
        if found.st_size > most:
            raise ValueError(
                f"expected at most {most:,} bytes in {path.name}, found {found.st_size:,}"
            )
        return opened.read(most)
