"""The library and the governor as files: built with the machine's C compiler, once, and kept.

They are looked for in the package first: where it was installed with a compiler at hand, or as a
wheel for this machine, it brings them. Else they are built when they are first needed, into the
user's cache, in a folder named after what they are made of.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import NamedTuple

from ..errors import EnvironmentFault
from .compiling import (
    FLAGS,
    GOVERNOR,
    LIBC,
    LIBRARY,
    NATIVE,
    CannotCompile,
    compile_into,
    compiler,
    libc,
    sources,
)

PREBUILT = Path(__file__).parent / "prebuilt"


class Built(NamedTuple):
    library: Path
    governor: Path


def fingerprint() -> str:
    """Of the sources, the flags, the machine and its libc: what was built of others is not used."""
    content = hashlib.sha256(repr((FLAGS, platform.machine(), libc())).encode())
    for path in sources():
        content.update(f"{path.relative_to(NATIVE)}\0".encode() + path.read_bytes())
    return content.hexdigest()[:16]


@cache
def built() -> Built:
    """Where the two are. Raises :class:`EnvironmentFault` if they cannot be had here."""
    if sys.platform != "linux" or not libc():
        raise EnvironmentFault(
            f"expected Linux with glibc for leaping time, found {platform.platform(terse=True)}; "
            "use --time real"
        )
    kept = _cache() / f"leap-{platform.machine()}-{fingerprint()}"
    for folder in (PREBUILT / platform.machine(), kept):
        if found := _in(folder):
            return found
    cc = compiler()
    if cc is None:
        raise EnvironmentFault(
            "expected a C compiler to build the clock of leaping time, found none; install gcc, "
            "or use --time real"
        )
    try:
        _build(cc, kept)
    except CannotCompile as error:
        raise EnvironmentFault(
            f"expected {cc} to build the clock of leaping time, found: {error}; use --time real"
        ) from error
    except OSError as error:
        raise EnvironmentFault(
            f"expected to keep the clock of leaping time in {kept.parent}, found "
            f"{error.strerror}; set XDG_CACHE_HOME, or use --time real"
        ) from error
    return Built(kept / LIBRARY, kept / GOVERNOR)


def _build(cc: str, kept: Path) -> None:
    """Whole or not at all."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=".leap-", dir=kept.parent))
    try:
        compile_into(cc, scratch)
        try:
            scratch.rename(kept)
        except OSError:  # somebody else was faster
            if not _in(kept):
                raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _in(folder: Path) -> Built | None:
    """The two in that folder, if they are there and this machine's libc is no older than theirs."""
    made = Built(folder / LIBRARY, folder / GOVERNOR)
    if not made.library.is_file() or not os.access(made.governor, os.X_OK):
        return None
    needs = tuple(map(int, (folder / LIBC).read_text().split(".")))
    return made if needs <= libc() else None


def _cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "jobquake"
