"""The environments of this machine: each is made once, found again, listed and removed.

An environment is a folder. It is complete when its note is there, which is written last and renamed
into place: a folder without one is what somebody left who was killed, and is made anew. (The
folder itself cannot be made elsewhere and renamed, since its scripts know their path.) A lock
on a file beside it lets one process at a time make or remove it; the kernel frees it however
that process ends.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from importlib import metadata
from pathlib import Path

import msgspec

from ..errors import EnvironmentFault, UsageError
from .pins import Interpreter, interpreter, name_of, pinned

NOTE = "jobquake.json"
INSTALL = [
    "install", "--quiet", "--no-input", "--disable-pip-version-check", "--retries", "2"
]  # fmt: skip


class Environment(msgspec.Struct, frozen=True):
    """One that is complete: its name, what it was made of, and its Python."""

    name: str
    pins: tuple[str, ...]
    version: str
    python: str


def environment(*pins: str, python: str | None = None) -> Path:
    """The Python of an environment that has these packages, made now if there is none.

    ``pins`` are exact versions, ``"celery==5.6.3"``. ``python`` is a version, ``"3.11"``, or the
    path of an interpreter; by default the one that runs this. Takes the time of a ``pip install``
    the first time and none afterwards. Raises UsageError and EnvironmentFault.
    """
    exact, wanted = pinned(pins), interpreter(python)
    name = name_of(exact, wanted)
    if found := _complete(cache() / name):
        return Path(found.python)
    with _locked(name) as folder:
        if found := _complete(folder):
            return Path(found.python)
        _remove(folder)
        try:
            _make(folder, exact, wanted)
            made = Environment(name, exact, wanted.version, str(folder / "bin" / "python"))
            beside = folder / f"{NOTE}.part"
            beside.write_bytes(msgspec.json.encode(made))
            beside.rename(folder / NOTE)
        except BaseException:
            _remove(folder)
            raise
        return Path(made.python)


def environments() -> list[Environment]:
    """Those that are complete, by name."""
    folders = sorted(cache().iterdir()) if cache().is_dir() else []
    return [found for folder in folders if (found := _complete(folder))]


def remove(names: Iterable[str]) -> None:
    """Remove them. Raises UsageError about a name that there is none of, before any is removed."""
    names = [*names]
    known = [found.name for found in environments()]
    if unknown := [name for name in names if name not in known]:
        raise UsageError(
            f"expected the name of an environment, found {unknown[0]!r}; "
            "'jobquake env list' names them"
        )
    for name in names:
        with _locked(name) as folder:
            _remove(folder)
        with suppress(OSError):
            (cache() / f"{name}.lock").unlink()


def cache() -> Path:
    """Where environments are kept: below XDG_CACHE_HOME, or where this system keeps caches."""
    if given := os.environ.get("XDG_CACHE_HOME"):
        home = Path(given)
    elif sys.platform == "darwin":
        home = Path.home() / "Library" / "Caches"
    else:
        home = Path.home() / ".cache"
    return home.absolute() / "jobquake" / "environments"


def _complete(folder: Path) -> Environment | None:
    """What lies there, if it is complete and its Python can still be started."""
    try:
        found = msgspec.json.decode((folder / NOTE).read_bytes(), type=Environment)
    except (OSError, msgspec.DecodeError):
        return None
    return found if os.access(found.python, os.X_OK) else None


@contextmanager
def _locked(name: str) -> Iterator[Path]:
    """The folder of that name, ours alone as long as the block."""
    folder = cache() / name
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        while True:
            with (cache() / f"{name}.lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                if not _is_at(lock.fileno(), cache() / f"{name}.lock"):
                    continue  # whoever had it has removed the file, and others lock a new one
                yield folder
                return
    except OSError as error:
        raise EnvironmentFault(
            f"expected to write to {error.filename or folder}, found: {error.strerror}; "
            "make room, or set XDG_CACHE_HOME"
        ) from error


def _is_at(number: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(number), path.stat())
    except FileNotFoundError:
        return False


def _make(folder: Path, pins: tuple[str, ...], wanted: Interpreter) -> None:
    """Our own pip installs, if it can: a pip in each environment would cost seconds."""
    ours = _pip_installs_elsewhere()
    venv = [str(wanted.path), "-I", "-m", "venv", *(["--without-pip"] if ours else [])]
    of_venv = "install its venv module (on Debian python3-venv)"
    _run([*venv, str(folder)], f"{wanted.path} to make a virtual environment", of_venv)
    python = str(folder / "bin" / "python")
    pip = [sys.executable, "-m", "pip", "--python", python] if ours else [python, "-I", "-m", "pip"]
    of_pip = "check versions and network, or name a folder of wheels in PIP_FIND_LINKS"
    _run([*pip, *INSTALL, *pins], f"pip to install {' '.join(pins)}", of_pip)


def _pip_installs_elsewhere() -> bool:
    try:
        major, minor = metadata.version("pip").split(".")[:2]
    except (metadata.PackageNotFoundError, ValueError):
        return False
    return (int(major), int(minor)) >= (22, 3)


def _run(command: list[str], expected: str, remedy: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    except OSError as error:
        raise EnvironmentFault(f"expected {expected}, found: {error}; {remedy}") from error
    if done.returncode:
        lines = (done.stderr + done.stdout).strip().splitlines()
        told = [line for line in lines if line.startswith("ERROR: ")] or lines
        found = told[-1].removeprefix("ERROR: ") if told else f"exit code {done.returncode}"
        raise EnvironmentFault(f"expected {expected}, found: {found}; {remedy}")


def _remove(folder: Path) -> None:
    with suppress(FileNotFoundError):
        (folder / NOTE).unlink()  # first, so that half an environment is never taken for a whole
    shutil.rmtree(folder, ignore_errors=True)
