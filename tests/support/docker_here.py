"""A Docker engine and images for tests, without a registry.

If none answers and we are root, one is started for the tests, with its data in a folder of
its own; else they are skipped with the reason. Images are made from the programs that are
installed here: PostgreSQL's behaves like the official one where our container relies on it.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import signal
import subprocess
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from jobquake.servers import postgres, redis

from support.servers_here import folder, or_skip

READY_WITHIN_S = 60.0
NOBODY = 65534
ENTRY = """#!/bin/sh
set -e
if [ ! -e /data/db ]; then
    initdb -D /data/db -U "$POSTGRES_USER" -A trust -E UTF8 --no-sync \
        $POSTGRES_INITDB_ARGS >&2
    echo "host all all all $POSTGRES_HOST_AUTH_METHOD" >>/data/db/pg_hba.conf
fi
rm -f /data/db/postmaster.pid
exec "$@" -D /data/db
"""


@contextmanager
def docker_engine() -> Iterator[str]:
    """The address of an engine that answers; skips where none can be had."""
    given = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    if not shutil.which("docker"):
        pytest.skip("no docker client on PATH")
    if _answers(given):
        yield given
        return
    if os.geteuid() != 0 or not shutil.which("dockerd"):
        pytest.skip("no Docker engine answers, and none can be started: not root, or no dockerd")
    with folder() as own:
        address = f"unix://{own}/docker.sock"
        command = ["dockerd", "--host", address, "--data-root", own / "data"]
        command += ["--exec-root", own / "exec", "--pidfile", own / "pid"]
        # The published port is served by a process, so the machine's packet filter is left alone.
        command += ["--iptables=false", "--ip6tables=false"]
        with (own / "log").open("wb") as log:
            daemon = subprocess.Popen(
                [*map(str, command)], stdout=log, stderr=log, start_new_session=True
            )
        try:
            until = time.monotonic() + READY_WITHIN_S
            while not _answers(address):
                if daemon.poll() is not None or time.monotonic() > until:
                    said = (own / "log").read_text().strip().splitlines()
                    pytest.skip(f"dockerd does not work here: {said[-1] if said else 'silence'}")
                time.sleep(0.1)
            yield address
        finally:
            daemon.send_signal(signal.SIGTERM)
            daemon.wait(timeout=30)
            subprocess.run(["ip", "link", "delete", "docker0"], capture_output=True, check=False)


def image(engine: str, kind: str) -> str:
    """The name of an image of ``kind``, made from the program installed here."""
    name = f"jobquake-test-{kind}"
    docker = ["docker", "--host", engine]
    known = subprocess.run([*docker, "image", "inspect", name], capture_output=True, check=False)
    if known.returncode == 0:
        return name
    program = (redis if kind == "redis" else postgres).program
    where = Path(str(or_skip(program)))
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tree:
        changes = _redis(tree, where) if kind == "redis" else _postgres(tree, where)
    options = [word for change in changes for word in ("--change", change)]
    subprocess.run(
        [*docker, "import", *options, "-", name],
        input=data.getvalue(),
        capture_output=True,
        check=True,
    )
    return name


def _redis(tree: tarfile.TarFile, program: Path) -> list[str]:
    _add_program(tree, program, "/usr/bin/redis-server")
    return ["WORKDIR /data", "VOLUME /data"]


def _postgres(tree: tarfile.TarFile, program: Path) -> list[str]:
    """Everything stays where it is at home: the programs look for their files there."""
    programs = program.resolve().parent
    for name in ("postgres", "initdb"):
        _add_program(tree, programs / name, str(programs / name))
    for name in ("sh", "rm"):
        _add_program(tree, Path("/bin") / name, f"/bin/{name}")
    for option in ("--sharedir", "--pkglibdir"):
        words = [programs / "pg_config", option]
        told = subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()
        tree.add(os.path.realpath(told), told)
    _add_text(tree, "/etc/passwd", f"nobody:x:{NOBODY}:{NOBODY}::/data:/bin/sh\n", 0o644)
    _add_text(tree, "/entry", ENTRY, 0o755)
    for path in ("/data", "/tmp", "/var/run/postgresql"):
        made = tarfile.TarInfo(path)
        made.type, made.mode, made.uid, made.gid = tarfile.DIRTYPE, 0o700, NOBODY, NOBODY
        tree.addfile(made)
    path = f"PATH={programs}:/bin"
    return [f"ENV {path}", f"USER {NOBODY}", 'ENTRYPOINT ["/entry"]', "VOLUME /data"]


def _add_program(tree: tarfile.TarFile, program: Path, place: str) -> None:
    """The program with the libraries that it is linked with."""
    tree.add(os.path.realpath(program), place)
    linked = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    for library in re.findall(r"/\S+", linked):
        if library.lstrip("/") not in tree.getnames():
            tree.add(os.path.realpath(library), library)


def _add_text(tree: tarfile.TarFile, place: str, text: str, mode: int) -> None:
    made = tarfile.TarInfo(place)
    made.size, made.mode = len(text), mode
    tree.addfile(made, io.BytesIO(text.encode()))


def _answers(address: str) -> bool:
    asked = ["docker", "--host", address, "version"]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0
