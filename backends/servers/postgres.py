"""A PostgreSQL server in a folder, for tests: ``python -m jobquake.backends.servers.postgres``.

As it starts by default, an answer means that the disk has it. ``--careless`` answers
first and writes later (asynchronous commit, no fsync), so that a crash loses what was
acknowledged in the last seconds. Anyone on this machine can connect as ``jobquake``, so
it listens on loopback alone and is no place for real data.

PostgreSQL refuses to run as root; then it runs as the user ``postgres``, or ``nobody``.
``initdb`` takes a second, so its result is kept in the temporary folder and copied.
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from .running import HOST, Server, answers, become, find_program, serve

USER, DATABASE = "jobquake", "postgres"
PLACES = "/usr/lib/postgresql/*/bin"
DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
CARELESS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_writer_delay": "10s",
}
ALWAYS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": "200",
    "logging_collector": "off",
    "log_min_messages": "fatal",
}


def program(name: str = "postgres") -> Path:
    """Where a program of PostgreSQL is. Raises :class:`.running.MissingServer`."""
    return find_program(name, "postgresql", PLACES)


def server(folder: Path, port: int, careless: bool = False) -> Server:
    user = _unprivileged() if os.geteuid() == 0 else None
    data = folder / "postgres"
    if not data.exists():
        _copy_cluster(data, user)
    settings = ALWAYS | (CARELESS if careless else DURABLE) | {"port": str(port)}
    options = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
    return Server(
        "postgres",
        [str(program()), "-D", str(data), *options],
        data,
        port,
        lambda port: answers(port, _hello(), b"R"),
        signal.SIGINT,  # SIGTERM would wait for the last client to leave
        user,
    )


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


def _copy_cluster(data: Path, user: tuple[int, int] | None) -> None:
    """A new cluster at ``data``, whole or not at all."""
    template = _template(user)
    partial = Path(tempfile.mkdtemp(prefix=".postgres-", dir=data.parent))
    shutil.copytree(template, partial, dirs_exist_ok=True)
    if user is not None:
        for path in [partial, *partial.rglob("*")]:
            os.chown(path, *user)
    partial.chmod(0o700)
    partial.rename(data)


def _template(user: tuple[int, int] | None) -> Path:
    """A freshly made cluster of this version and this user, made once."""
    initdb = program("initdb")
    version = subprocess.run([initdb, "--version"], capture_output=True, text=True, check=True)
    number = "".join(re.findall(r"[0-9.]+", version.stdout)[:1])
    name = f"jobquake-postgres-{number}-{os.geteuid()}"
    template = Path(tempfile.gettempdir()) / name
    if template.is_dir() and template.stat().st_uid == os.geteuid():
        return template / "cluster"
    partial = Path(tempfile.mkdtemp(prefix=f"{name}-"))
    cluster = partial / "cluster"
    cluster.mkdir(mode=0o700)
    if user is not None:
        os.chown(cluster, *user)
    options = ["-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--wal-segsize=1"]
    made = subprocess.run(
        [str(initdb), "-D", str(cluster), *options, "--no-sync"],
        cwd=cluster,
        preexec_fn=(lambda: become(*user)) if user else None,
        capture_output=True,
        text=True,
    )
    if made.returncode:
        shutil.rmtree(partial)
        raise OSError(f"expected initdb to make a database, found: {made.stderr.strip()[-200:]}")
    try:
        partial.rename(template)
    except OSError:  # somebody else was faster
        shutil.rmtree(partial)
    return template / "cluster"


if __name__ == "__main__":
    serve(server)
