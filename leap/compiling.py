"""Compiles the library and the governor. Standard library only, so that setup.py can use it."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path

NATIVE = Path(__file__).parent / "native"
LIBRARY, GOVERNOR, LIBC = "library.so", "governor", "libc"
FLAGS = (
    *("-std=gnu11", "-O2", "-g", "-Wall", "-Wextra", "-pthread"),
    # What libc promises never to be null is asked here all the same: who calls may be wrong.
    *("-fno-delete-null-pointer-checks", "-Wno-nonnull-compare"),
)
COMPILERS = ("cc", "gcc", "clang")


class CannotCompile(OSError):
    """The compiler failed. The message is what it said."""


def sources() -> list[Path]:
    return sorted([*NATIVE.rglob("*.c"), *NATIVE.rglob("*.h")])


def compiler() -> str | None:
    """The C compiler of this machine: ``$CC``, or the first that is found."""
    wanted = os.environ.get("CC")
    return (
        shutil.which(wanted) if wanted else next(filter(None, map(shutil.which, COMPILERS)), None)
    )


def machine(cc: str) -> str:
    """For which processors it compiles, such as x86_64; a cross compiler, for others than ours.

    Raises :class:`CannotCompile` if it does not say.
    """
    try:
        told = subprocess.run([cc, "-dumpmachine"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise CannotCompile(f"{cc} does not say for which machine it compiles: {error}") from None
    return told.stdout.strip().partition("-")[0]


def libc() -> tuple[int, ...]:
    """The version of this machine's glibc; () if it has another libc."""
    name, version = platform.libc_ver()
    return tuple(map(int, version.split("."))) if name == "glibc" else ()


def compile_into(cc: str, folder: Path) -> None:
    """Compile both into the folder. Raises :class:`CannotCompile` with the compiler's words."""
    library = ("-fPIC", "-shared", "-fvisibility=hidden", "-o", str(folder / LIBRARY))
    _run([cc, *FLAGS, *library, *map(str, sorted((NATIVE / "library").glob("*.c"))), "-ldl"])
    governor = map(str, sorted((NATIVE / "governor").glob("*.c")))
    _run([cc, *FLAGS, "-o", str(folder / GOVERNOR), *governor])
    (folder / LIBC).write_text(".".join(map(str, libc())))
    folder.chmod(0o755)  # a server that runs as somebody else loads it, too


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if "error" in line] or ["no word"]
        raise CannotCompile(errors[0])
