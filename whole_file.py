"""Whole files: nobody sees half of one that is written, or is kept waiting by one that is read.

A run folder, a kept failure or a plan may be anybody's. Reading a FIFO waits for ever, a device may
never end, and a sparse file of a few bytes may be larger than memory: what is read is a plain file,
or it is refused in one sentence.
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


def write_whole(path: Path, content: str | bytes) -> None:
    """Write the file so that it is there whole or not at all, whoever writes it at the same time.

    Raises OSError if it cannot be written; then nothing is left behind.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(content.encode() if isinstance(content, str) else content)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
