"""The library and the governor as files: built with the machine's C compiler, once, and kept.

They are looked for in the package first, where a wheel brings them. Else they are built, when they
are first needed, into the user's cache, in a folder named after what they are made of.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import NamedTuple

from ..errors import EnvironmentFault

NATIVE = Path(__file__).parent / "native"
PREBUILT = Path(__file__).parent / "prebuilt"
FLAGS = (
    *("-std=gnu11", "-O2", "-g", "-Wall", "-Wextra", "-pthread"),
    # What libc promises never to be null is asked here all the same: who calls may be wrong.
    *("-fno-delete-null-pointer-checks", "-Wno-nonnull-compare"),
)
COMPILERS = ("cc", "gcc", "clang")


class Built(NamedTuple):
    library: Path
    governor: Path


def sources() -> list[Path]:
    return sorted([*NATIVE.rglob("*.c"), *NATIVE.rglob("*.h")])


def fingerprint() -> str:
    """Of the sources, the flags, the machine and its libc: what was built of others is not used."""
    content = hashlib.sha256(repr((FLAGS, platform.machine(), platform.libc_ver())).encode())
    for path in sources():
        content.update(f"{path.relative_to(NATIVE)}\0".encode() + path.read_bytes())
    return content.hexdigest()[:16]


def compiler() -> str | None:
    """The C compiler of this machine: ``$CC``, or the first that is found."""
    wanted = os.environ.get("CC")
    return (
        shutil.which(wanted) if wanted else next(filter(None, map(shutil.which, COMPILERS)), None)
    )


@cache
def built() -> Built:
    """Where the two are. Raises :class:`EnvironmentFault` if they cannot be had here."""
    if sys.platform != "linux":
        raise EnvironmentFault(
            f"expected Linux for leaping time, found {platform.system()}; use --time real"
        )
    shipped = _in(PREBUILT / platform.machine())
    if shipped:
        return shipped
    kept = _cache() / f"leap-{platform.machine()}-{fingerprint()}"
    found = _in(kept)
    if found:
        return found
    cc = compiler()
    if cc is None:
        raise EnvironmentFault(
            "expected a C compiler to build the clock of leaping time, found none; install gcc, "
            "or use --time real"
        )
    kept.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=".leap-", dir=kept.parent))
    try:
        build(cc, scratch)
        try:
            scratch.rename(kept)
        except OSError:  # somebody else was faster
            if not _in(kept):
                raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return Built(kept / "library.so", kept / "governor")


def build(cc: str, folder: Path) -> Built:
    """Build both into the folder. Raises :class:`EnvironmentFault` with the compiler's words."""
    made = Built(folder / "library.so", folder / "governor")
    library = ("-fPIC", "-shared", "-fvisibility=hidden", "-o", str(made.library))
    _compile([cc, *FLAGS, *library, *map(str, sorted((NATIVE / "library").glob("*.c"))), "-ldl"])
    governor = map(str, sorted((NATIVE / "governor").glob("*.c")))
    _compile([cc, *FLAGS, "-o", str(made.governor), *governor])
    folder.chmod(0o755)  # a server that runs as somebody else loads it, too
    return made


def _compile(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if "error" in line] or ["no word"]
        raise EnvironmentFault(
            f"expected {command[0]} to build the clock of leaping time, found: {errors[0]}; "
            "use --time real"
        )


def _in(folder: Path) -> Built | None:
    made = Built(folder / "library.so", folder / "governor")
    return made if made.library.is_file() and os.access(made.governor, os.X_OK) else None


def _cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "jobquake"
