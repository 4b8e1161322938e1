"""A PostgreSQL server in a folder, for tests: ``python -m jobquake.servers.postgres``.

As it starts by default, an answer means that the disk has it. ``--careless`` answers
first and writes later (asynchronous commit, no fsync), so that a crash loses what was
acknowledged in the last seconds. Anyone on this machine can connect as ``jobquake``, so
it listens on loopback alone and is no place for real data.

PostgreSQL refuses to run as root; then it runs as the user ``postgres``, or ``nobody``.
``initdb`` takes a second, so its result is kept in the temporary folder, as
``jobquake-postgres-VERSION-USER``, and copied; it stays there for the next run.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
from functools import partial
from pathlib import Path

from .container import Container
from .program import Program, become
from .running import HOST, Server, answers, find_program, serve
from .source import Image, source

USER, DATABASE = "jobquake", "postgres"
PLACES = "/usr/lib/postgresql/*/bin"
DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
CARELESS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
}
ALWAYS = {
    "max_connections": "200",
    "logging_collector": "off",
    "log_min_messages": "fatal",
    # They wake five times a second otherwise, each of which is a leap in leaping time.
    "bgwriter_delay": "10s",
    "wal_writer_delay": "10s",
    # In the folder, not in /dev/shm, where what a SIGKILL leaves would stay.
    "dynamic_shared_memory_type": "mmap",
}
PORT_INSIDE = 5432
CONTAINER = {
    "POSTGRES_USER": USER,
    "POSTGRES_DB": DATABASE,
    "POSTGRES_HOST_AUTH_METHOD": "trust",
    "POSTGRES_INITDB_ARGS": "--locale=C",
}


def program(name: str = "postgres") -> Path:
    """Where a program of PostgreSQL is. Raises :class:`.source.MissingServer`."""
    return find_program(name, "postgresql", PLACES)


def server(folder: Path, port: int, careless: bool = False, schema: str = "") -> Server:
    """How to run one; a new one begins with ``schema``, a statement a line."""
    settings = ALWAYS | (CARELESS if careless else DURABLE)
    where = source("postgres")
    if isinstance(where, Image):
        if schema:
            raise OSError("expected a PostgreSQL of this machine for a schema, found an image")
        # Only the loopback of this machine leads into the container.
        command = ["postgres", *_options(settings | {"listen_addresses": "*"})]
        begin = partial(Container, where.name, folder, port, PORT_INSIDE, command, CONTAINER)
        return Server(where.name, port, _answers, begin)
    user = _unprivileged() if os.geteuid() == 0 else None
    data = folder / "postgres"
    if not data.exists():
        _copy_cluster(data, user, schema)
    own = settings | {"listen_addresses": HOST, "unix_socket_directories": "", "port": str(port)}
    # SIGTERM would wait for the last client to leave.
    run = partial(Program, [str(program()), "-D", str(data), *_options(own)], data)
    return Server("postgres", port, _answers, partial(run, signal.SIGINT, user))


def _options(settings: dict[str, str]) -> list[str]:
    return [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]


def _answers(port: int) -> bool:
    return answers(port, _hello(), b"R")


def _hello() -> bytes:
    """The first message of a session; refused (E) while the server is still recovering."""
    words = b"".join(w.encode() + b"\0" for w in ("user", USER, "database", DATABASE, ""))
    body = (3 << 16).to_bytes(4, "big") + words
    return (len(body) + 4).to_bytes(4, "big") + body


def _unprivileged() -> tuple[int, int]:
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
            return entry.pw_uid, entry.pw_gid
        except KeyError:
            continue
    raise OSError("expected a user 'postgres' or 'nobody' to run PostgreSQL as, found neither")


def _copy_cluster(data: Path, user: tuple[int, int] | None, schema: str) -> None:
    """A new cluster at ``data`` with that schema, whole or not at all."""
    template = _template(data, user, schema)
    scratch = Path(tempfile.mkdtemp(prefix=".postgres-", dir=data.parent))
    _copy(template, scratch, user)
    scratch.rename(data)


def _copy(template: Path, folder: Path, user: tuple[int, int] | None) -> None:
    shutil.copytree(template, folder, dirs_exist_ok=True)
    if user is not None:
        for path in [folder, *folder.rglob("*")]:
            os.chown(path, *user)
    folder.chmod(0o700)


def _template(data: Path, user: tuple[int, int] | None, schema: str = "") -> Path:
    """A freshly made cluster of this version, user and schema, made once and kept for all.

    It is made beside ``data``, so that whoever removes that folder removes what was half
    done, too. If it cannot be moved to its place (another disk), it is good for once.
    """
    initdb = program("initdb")
    version = subprocess.run([initdb, "--version"], capture_output=True, text=True, check=True)
    number = "".join(re.findall(r"[0-9.]+", version.stdout)[:1])
    name = f"jobquake-postgres-{number}-{os.geteuid()}"
    if schema:
        name += f"-{hashlib.sha256(schema.encode()).hexdigest()[:12]}"
    template = Path(tempfile.gettempdir()) / name
    if template.is_dir() and template.stat().st_uid == os.geteuid():
        return template / "cluster"
    scratch = Path(tempfile.mkdtemp(prefix=".template-", dir=data.parent))
    cluster = scratch / "cluster"
    cluster.mkdir(mode=0o700)
    if user is not None:
        os.chown(cluster, *user)
    if schema:
        _copy(_template(data, user), cluster, user)
        _alone(cluster, user, "postgres", schema)
    else:
        _initialise(cluster, user)
    try:
        scratch.rename(template)
    except OSError:  # somebody else was faster, or it is another disk
        return cluster
    return template / "cluster"


def _initialise(cluster: Path, user: tuple[int, int] | None) -> None:
    options = ["-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--wal-segsize=1"]
    made = subprocess.run(
        [str(program("initdb")), "-D", str(cluster), *options, "--no-sync"],
        cwd=cluster,
        preexec_fn=(lambda: become(*user)) if user else None,
        capture_output=True,
        text=True,
    )
    if made.returncode:
        raise OSError(f"expected initdb to make a database, found: {made.stderr.strip()[-200:]}")
    # A third of what every server would copy, and nobody makes databases from it here.
    without = "UPDATE pg_database SET datistemplate = false WHERE datname = 'template0';\n"
    _alone(cluster, user, "template1", without + "DROP DATABASE template0;\n")


def _alone(cluster: Path, user: tuple[int, int] | None, database: str, said: str) -> None:
    """Carry out these statements, a line each, while nothing serves the cluster."""
    done = subprocess.run(
        [str(program()), "--single", "-D", str(cluster), "-c", "fsync=off", database],
        input=said,
        cwd=cluster,
        preexec_fn=(lambda: become(*user)) if user else None,
        capture_output=True,
        text=True,
        check=True,
    )
    if "ERROR:" in done.stderr:
        raise OSError(f"expected PostgreSQL to take a schema, found: {done.stderr.strip()[-200:]}")


if __name__ == "__main__":
    serve(server)
