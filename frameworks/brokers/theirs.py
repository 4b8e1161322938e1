"""A Redis of the team's own, as the broker of a run: a database that was empty, and is empty again.

Nothing is flushed. What a run leaves in its database is removed key by key; a key of ours says that
the database is taken, and by which process. It goes when that ends. Where it was killed, the next
run on this machine that comes by removes what it has left.
"""

from __future__ import annotations

import atexit
import os
import socket
from contextlib import suppress

import psutil

from ...errors import EnvironmentFault, UsageError
from .redis import Place, Redis, RedisError, place_of, shown

TAKEN = "jobquake:taken"
SHOWN = 6
USUAL_DATABASES = 16


def take(url: str) -> Place:
    """The database that ``url`` names, or else the last one that is empty.

    Raises :class:`UsageError` about the URL, :class:`EnvironmentFault` if nobody answers there.
    """
    if not url.startswith("redis://"):
        encrypted = "the network of a run does not speak TLS: name a way without it, or leave "
        encrypted += "--broker out for a private Redis, to which your app is led without TLS"
        raise UsageError(
            "expected --broker as redis://[USER:PASSWORD@]HOST:PORT[/DATABASE], found "
            f"{shown(url)!r}; {encrypted if url.startswith('rediss:') else 'correct it'}"
        )
    place = place_of(url)
    named = url.partition("://")[2].partition("/")[2].partition("?")[0].isdecimal()
    try:
        for database in [place.database] if named else range(_databases(place) - 1, -1, -1):
            if _take(found := place._replace(database=database)):
                atexit.register(_leave, found)
                return found
    except (OSError, RedisError) as error:
        raise EnvironmentFault(
            f"expected a Redis at {shown(url)}, found: {error}; start it, or correct --broker"
        ) from None
    raise UsageError(
        f"expected an empty database in {shown(url)}, found "
        f"{_found(place) if named else 'none'}; name one that is empty as "
        "redis://HOST:PORT/DATABASE, since a run needs one of its own"
    )


def empty(place: Place) -> None:
    """Remove what a run has left there, key by key. Raises OSError, RedisError."""
    redis = _at(place)
    try:
        for name in redis.names():
            if name != TAKEN:
                redis.ask("DEL", name)
    finally:
        redis.close()


def _take(place: Place) -> bool:
    redis = _at(place)
    try:
        if _is_dead(redis.ask("GET", TAKEN) or b""):
            empty(place)
            redis.ask("DEL", TAKEN)
        if redis.ask("DBSIZE"):
            return False
        return redis.ask("SET", TAKEN, _myself(), "NX") is not None
    finally:
        redis.close()


def _found(place: Place) -> str:
    """What is in a database that cannot be taken, and whose it is."""
    redis = _at(place)
    try:
        names, owner = redis.names(), redis.ask("GET", TAKEN) if redis.ask("EXISTS", TAKEN) else b""
    finally:
        redis.close()
    held = [name for name in names if name != TAKEN]
    told = ", ".join(held[:SHOWN]) + (", ..." if len(held) > SHOWN else "")
    found = f"keys in number {place.database}{told and ': '}{told}"
    if not owner:
        return found
    host, pid, _ = _owner(owner)
    return (
        f"{found}, which a run of jobquake has taken or left (process {pid} on {host}; if that is "
        f"gone, remove them and {TAKEN})"
    )


def _myself() -> str:
    return f"{socket.gethostname()} {os.getpid()} {psutil.Process().create_time():.2f}"


def _owner(said: bytes) -> tuple[str, int, float]:
    """The machine, the process, and when that began."""
    host, pid, began_s = said.decode(errors="replace").split(" ")
    return host, int(pid), float(began_s)


def _is_dead(said: bytes) -> bool:
    """Whether a process of this machine took the database, and is gone."""
    try:
        host, pid, began_s = _owner(said)
        if host != socket.gethostname():
            return False
        return abs(psutil.Process(pid).create_time() - began_s) > 1.0
    except ValueError:
        return False
    except psutil.NoSuchProcess:
        return True


def _leave(place: Place) -> None:
    with suppress(OSError, RedisError):
        redis = _at(place)
        redis.ask("DEL", TAKEN)
        redis.close()


def _databases(place: Place) -> int:
    redis = _at(place._replace(database=0))
    try:
        found = redis.ask("CONFIG", "GET", "databases")
        return int(found[1]) if found else USUAL_DATABASES
    except RedisError:  # forbidden, where somebody else hosts it
        return USUAL_DATABASES
    finally:
        redis.close()


def _at(place: Place) -> Redis:
    return Redis(f"{place.host}:{place.port}", place.database, place.password, place.user)
