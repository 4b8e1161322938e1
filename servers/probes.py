"""How the doctor tries each thing: each function here uses one thing once, and tells what it is.

They raise MissingServer if it is not there, and :class:`Broken` if it does not work.
"""

from __future__ import annotations

import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from importlib import import_module, metadata
from pathlib import Path
from typing import NamedTuple

from ..errors import EnvironmentFault
from . import container, running
from .source import Foreign, Image, MissingServer, shown, source

LEAST_PYTHON = (3, 11)
PATIENCE_S = 10.0


class Version(NamedTuple):
    """A thing that worked when it was tried."""

    version: str
    place: str = ""


class Broken(EnvironmentFault):
    """The thing is there and does not work. The message is what it said."""


def on_path(name: str) -> Path:
    found = shutil.which(name)
    if not found:
        raise MissingServer(f"expected {name} on PATH, found none")
    return Path(found)


def program(path: Path, *words: str) -> Version:
    """Run it with these words; the version is the first word in its answer with a number."""
    done = subprocess.run(
        [path, *words], capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise Broken(f"it ended with {done.returncode}{': ' + said[-1] if said else ''}")
    numbers = (w.strip(",") for w in done.stdout.split() if any(c.isdigit() for c in w))
    version = next(numbers, "").rpartition("=")[2].removeprefix("go").removeprefix("v")
    return Version(version, str(path))


def package(name: str) -> Version:
    try:
        module = import_module(name)
    except ModuleNotFoundError as error:
        raise MissingServer(f"expected the package {name}, found none") from error
    except ImportError as error:
        raise Broken(str(error)) from error
    return Version(metadata.version(name), str(Path(module.__file__ or "").parent))


def python() -> Version:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < LEAST_PYTHON:
        raise Broken(f"expected Python 3.11 or newer, found {version}")
    return Version(version, sys.executable)


def packages() -> Version:
    """Import what jobquake depends on."""
    wanted = [r for r in metadata.requires("jobquake") or [] if "extra ==" not in r]
    modules = metadata.packages_distributions()
    for requirement in wanted:
        name = "".join(c if c.isalnum() or c in "-_." else " " for c in requirement).split()[0]
        try:
            distribution = metadata.distribution(name).name
        except metadata.PackageNotFoundError:
            raise MissingServer(f"expected the package {name}, found none") from None
        for module, owners in modules.items():
            if distribution in owners and not module.startswith("_"):
                try:
                    import_module(module)
                except ImportError as error:
                    raise Broken(f"{name}: {error}") from error
    return Version(f"{len(wanted)} packages", str(Path(__file__).parents[2]))


def sqlite() -> Version:
    with tempfile.TemporaryDirectory(prefix="jobquake-") as own:
        try:
            with closing(sqlite3.connect(Path(own) / "try.db")) as connection:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("CREATE TABLE try (n integer)")
        except sqlite3.Error as error:
            raise Broken(str(error)) from error
    return Version(sqlite3.sqlite_version, "in Python")


def loopback() -> Version:
    with socket.create_server((running.HOST, 0)) as server:
        address = server.getsockname()
        with socket.create_connection(address, PATIENCE_S):
            return Version("", running.HOST)


def folder() -> Version:
    with tempfile.TemporaryFile() as file:
        file.write(b"jobquake")
    return Version("", tempfile.gettempdir())


def engine() -> Version:
    try:
        return Version(str(container.engine().version()["Version"]), "answers")
    except MissingServer:
        on_path("docker")  # without the package, the client may know
    asked = ["docker", "version", "--format", "{{.Server.Version}}"]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise MissingServer(said[-1] if said else "expected an answer from the engine, found none")
    return Version(done.stdout.strip(), "answers")


def given(kind: str) -> Version:
    where = source(kind)
    if isinstance(where, Image):
        found = container.engine().images.list(name=where.name)
        if not found:
            raise MissingServer(f"expected the image {where.name}, found none; docker pull it")
        return Version(found[0].short_id, where.name)
    assert isinstance(where, Foreign)
    return Version(_foreign_version(kind, where.url), shown(where.url))


def _foreign_version(kind: str, url: str) -> str:
    try:
        if kind == "redis":
            client = import_module("redis").Redis.from_url(url, socket_timeout=PATIENCE_S)
            with client:
                return str(client.info("server")["redis_version"])
        with import_module("psycopg").connect(url, connect_timeout=int(PATIENCE_S)) as connection:
            return str(connection.execute("SHOW server_version").fetchone()[0])
    except Exception as error:  # each client has its own, and one may be missing
        raise Broken(f"expected an answer from {shown(url)}, found: {error}") from error
