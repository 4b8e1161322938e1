"""What an environment is made of: exact versions of packages, and an interpreter."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from ..errors import EnvironmentFault, UsageError

PIN = re.compile(r"([A-Za-z0-9][\w.-]*)(\[[\w.,-]+\])?==([\w.!+]+)")
ASK = "import platform, sys; print(platform.python_version(), getattr(sys, '_base_executable', ''))"
LONGEST_NAME = 60
PATIENCE_S = 30.0


class Interpreter(Struct, frozen=True):
    """A Python that environments can be made with."""

    version: str
    path: Path


def pinned(texts: Iterable[str]) -> tuple[str, ...]:
    """The pins, sorted and in one spelling. Raises UsageError about what is no exact version."""
    pins = dict[str, str]()
    for text in texts:
        matched = PIN.fullmatch(text.strip())
        if not matched:
            raise UsageError(
                f"expected a package with its exact version, such as celery==5.6.3 or "
                f"'celery[redis]==5.6.3', found {text!r}; pin it"
            )
        name, extras, version = matched.groups()
        name = re.sub(r"[-_.]+", "-", name).lower()
        if name in pins:
            raise UsageError(f"expected each package once, found {name} twice; pin one version")
        pins[name] = f"{name}{(extras or '').lower()}=={version}"
    if not pins:
        raise UsageError("expected packages, found none; name some, such as celery==5.6.3")
    return tuple(pins[name] for name in sorted(pins))


def name_of(pins: tuple[str, ...], interpreter: Interpreter) -> str:
    """The folder of that environment: readable, and another one for each other environment."""
    told = "-".join(re.sub(r"\[.*?\]", "", pin).replace("==", "-") for pin in pins)
    mark = hashlib.sha256(" ".join([*pins, interpreter.version]).encode()).hexdigest()[:8]
    return f"{told[:LONGEST_NAME]}-py{interpreter.version}-{mark}"


def interpreter(wanted: str | None = None) -> Interpreter:
    """The Python of that version (``3.11``) or path; by default the one that runs this.

    Raises EnvironmentFault if there is none, or if it does not run.
    """
    asked = wanted or sys.executable
    is_version = bool(re.fullmatch(r"\d+(\.\d+)*", asked))
    named = f"python{asked}" if is_version else asked
    found = [path for path in [shutil.which(named)] if path]
    if is_version:
        found += _of_pyenv(asked)  # its shims on PATH run the chosen version only
    if not found:
        raise EnvironmentFault(
            f"expected {named} on PATH, found none; install that Python, or name another one"
        )
    answers = [_asked(path) for path in found]
    working = [answer for answer in answers if isinstance(answer, Interpreter)]
    if not working:
        raise EnvironmentFault(
            f"expected {found[0]} to be a Python, found {answers[0]}; name another one"
        )
    return working[0]


def _asked(path: str) -> Interpreter | str:
    """The interpreter there, or why it is none."""
    try:
        done = subprocess.run(
            [path, "-I", "-c", ASK], capture_output=True, text=True, timeout=PATIENCE_S
        )
    except (OSError, subprocess.SubprocessError) as error:
        return f"that it does not run: {error}"
    version, _, base = done.stdout.strip().partition(" ")
    if done.returncode or not re.match(r"\d+\.\d+", version):
        said = (done.stderr or done.stdout).strip().splitlines()
        return f"that it ended with {done.returncode}{': ' + said[0] if said else ''}"
    return Interpreter(version, Path(base or path))


def _of_pyenv(version: str) -> list[str]:
    """The interpreters of that version that pyenv keeps, the newest first."""
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    folders = [*root.glob(version), *root.glob(f"{version}.*")]
    newest = sorted(folders, key=lambda f: [int(n) for n in re.findall(r"\d+", f.name)])
    return [str(folder / "bin" / "python") for folder in reversed(newest)]
