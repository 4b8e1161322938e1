"""What of all that jobquake can use is here: each thing is tried, not only looked up.

It says what is missing, what that switches off, and how to get it. It changes nothing;
only :func:`started` starts the servers, each in a folder of its own, and stops them again.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from . import beanstalkd, nats, postgres, probes, rabbitmq, redis, running, toxiproxy
from .source import Image, Installed, MissingServer, source, variable

State = Literal["here", "missing", "broken"]


class Thing(NamedTuple):
    """Something that jobquake can use.

    ``try_it`` raises MissingServer or :class:`.probes.Broken`; ``starts`` is the kind of
    server that it is.
    """

    name: str
    try_it: Callable[[], probes.Version]
    without: str
    debian: str
    macos: str
    needed: bool = False
    starts: str = ""


class Examined(Struct, frozen=True):
    """What came of trying it. ``needed``: by a run that asks for nothing special.

    ``without`` is what its absence switches off, ``get`` the command that brings it to
    this machine. ``start_s`` and ``stop_s`` are None unless it was started.
    """

    name: str
    state: State
    needed: bool
    version: str = ""
    place: str = ""
    error: str = ""
    without: str = ""
    get: str = ""
    start_s: float | None = None
    stop_s: float | None = None


def examine(start: bool = False) -> list[Examined]:
    """Try everything; with ``start``, servers are started and stopped, too."""
    return [_examine(thing, start) for thing in things()]


def fit(examined: Iterable[Examined]) -> bool:
    """Whether a run that asks for nothing special can be had, and what was started did start."""
    return all(
        thing.state == "here" or not (thing.needed or thing.start_s is not None)
        for thing in examined
    )


def things() -> list[Thing]:
    """Everything that jobquake can use, what it cannot do without first."""
    return [*_needed(), *_servers(), *_given("redis"), *_given("postgres"), *_clients(), *_tools()]


def _needed() -> list[Thing]:
    needed = partial(Thing, without="everything", needed=True)
    again = "python -m pip install --force-reinstall jobquake"
    elsewhere = "export TMPDIR=FOLDER"
    return [
        needed("Python", probes.python, debian=_apt("python3"), macos=_brew("python")),
        needed("Python packages", probes.packages, debian=again, macos=again),
        needed("SQLite", probes.sqlite, debian=_apt("libsqlite3-0"), macos=_brew("python")),
        needed("loopback", probes.loopback, debian="ip link set lo up", macos="ifconfig lo0 up"),
        needed("temporary folder", probes.folder, debian=elsewhere, macos=elsewhere),
    ]


def _servers() -> list[Thing]:
    def of(
        name: str, find: Callable[[], Path], without: str, debian: str, macos: str,
        starts: str = "", asked: str = "--version",
    ) -> Thing:  # fmt: skip
        def try_it() -> probes.Version:
            return probes.program(find(), asked)

        return Thing(name, try_it, without, debian, macos, starts=starts)

    on_redis = "the queue on Redis, unless JOBQUAKE_REDIS names a server or an image"
    in_postgres = "the queue in PostgreSQL, unless JOBQUAKE_POSTGRES names a server or an image"
    package, formula, initdb = _apt("postgresql"), _brew("postgresql"), "initdb"
    proxy = "a real Toxiproxy in place of the built-in network proxy"
    return [
        of("redis-server", redis.program, on_redis, _apt("redis-server"), _brew("redis"),
           "" if _is_image("redis") else "redis"),
        of("postgres", postgres.program, in_postgres, package, formula,
           "" if _is_image("postgres") else "postgres"),
        of("initdb", lambda: postgres.program(initdb), in_postgres, package, formula),
        of("beanstalkd", beanstalkd.program, "the backend beanstalkd", _apt("beanstalkd"),
           _brew("beanstalkd"), "beanstalkd", asked="-v"),
        of("nats-server", nats.program, "the backend nats-jetstream", _apt("nats-server"),
           _brew("nats-server"), "nats"),
        of("rabbitmq-server", rabbitmq.asked_for_version, "backends and apps on RabbitMQ",
           _apt("rabbitmq-server"), _brew("rabbitmq"), "rabbitmq", asked="version"),
        of("toxiproxy-server", toxiproxy.program, proxy, "sh tools/toxiproxy", _brew("toxiproxy"),
           "toxiproxy"),
    ]  # fmt: skip


def _given(kind: str) -> list[Thing]:
    """The server or the image that the environment names, if it does."""
    name = variable(kind)
    try:
        if source(kind) == Installed():
            return []
    except MissingServer:
        pass  # it will say so itself when it is tried
    without, unset = f"the queue on {kind}, as long as {name} is set", f"unset {name}"
    starts = kind if _is_image(kind) else ""
    return [Thing(name, lambda: probes.given(kind), without, unset, unset, starts=starts)]


def _clients() -> list[Thing]:
    def of(package: str, without: str, get: str) -> Thing:
        return Thing(f"{package} for Python", lambda: probes.package(package), without, get, get)

    extra = "python -m pip install 'jobquake[{}]'".format
    loop = "nothing, asyncio's own event loop is used"
    return [
        of("redis", "the queue on Redis", extra("redis")),
        of("psycopg", "the queue in PostgreSQL", extra("postgres")),
        of("docker", "servers that Docker runs", extra("docker")),
        of("uvloop", loop, "python -m pip install uvloop"),
    ]


def _tools() -> list[Thing]:
    def of(name: str, word: str, without: str, debian: str, macos: str) -> Thing:
        def try_it() -> probes.Version:
            return probes.program(probes.on_path(name), word)

        return Thing(name, try_it, without, debian, macos)

    no_client = "nothing by itself, the docker package for Python asks the engine"
    no_node = "the tests with a client for Node (tests only)"
    in_docker, colima = "servers that Docker runs", "brew install colima && colima start"
    return [
        of("docker", "--version", no_client, _apt("docker.io"), _brew("docker")),
        Thing("docker engine", probes.engine, in_docker, _apt("docker.io"), colima),
        of("go", "version", "building toxiproxy-server", _apt("golang"), _brew("go")),
        of("node", "--version", no_node, _apt("nodejs"), _brew("node")),
        of("npm", "--version", no_node, _apt("npm"), _brew("node")),
    ]


def _apt(package: str) -> str:
    return f"apt-get install {package}"


def _brew(formula: str) -> str:
    return f"brew install {formula}"


def _is_image(kind: str) -> bool:
    try:
        return isinstance(source(kind), Image)
    except MissingServer:
        return False


def _examine(thing: Thing, start: bool) -> Examined:
    get = thing.macos if sys.platform == "darwin" else thing.debian
    entry = Examined(thing.name, "here", thing.needed)
    lacking = replace(entry, without=thing.without, get=get)
    try:
        found = thing.try_it()
    except MissingServer as error:
        return replace(lacking, state="missing", error=str(error))
    except (probes.Broken, OSError, subprocess.SubprocessError) as error:
        return replace(lacking, state="broken", error=str(error))
    entry = replace(entry, version=found.version, place=found.place)
    if not (start and thing.starts):
        return entry
    began = time.monotonic()
    try:
        start_s, stop_s = started(thing.starts)
    except MissingServer as error:
        spent_s = time.monotonic() - began
        return replace(
            lacking, state="broken", place=found.place, error=str(error), start_s=spent_s
        )
    return replace(entry, start_s=start_s, stop_s=stop_s)


def started(kind: str) -> tuple[float, float]:
    """Really start a server of ``kind`` and stop it: the seconds that each took.

    Raises :class:`.source.MissingServer` if it does not start.
    """
    folder = Path(tempfile.gettempdir()) / f"jobquake-{kind}-{uuid.uuid4().hex}"
    began = time.monotonic()
    server = running.start(kind, folder, lifeline=True)
    ready = time.monotonic()
    running.stop(server)
    return ready - began, time.monotonic() - ready
