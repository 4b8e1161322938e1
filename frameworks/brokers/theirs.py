"""A Redis of the team's own, as the broker of a run: a database that was empty, and is empty again.

Nothing is flushed. What a run leaves in its database is removed key by key; a key of ours says that
the database is taken, and goes when this process ends, or a day later.
"""

from __future__ import annotations

import atexit
from contextlib import suppress

from ...errors import EnvironmentFault, UsageError
from .redis import Place, Redis, RedisError, place_of, shown

TAKEN, TAKEN_S = "jobquake:taken", 86_400
USUAL_DATABASES = 16


def take(url: str) -> Place:
    """The database that ``url`` names, or else the last one that is empty.

    Raises :class:`UsageError` about the URL, :class:`EnvironmentFault` if nobody answers there.
    """
    if not url.startswith("redis://"):
        raise UsageError(
            "expected --broker as redis://[USER:PASSWORD@]HOST:PORT[/DATABASE], found "
            f"{shown(url)!r}; the network of a run does not speak TLS"
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
        f"{f'keys in number {place.database}' if named else 'none'}; name one that is empty as "
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
        if redis.ask("DBSIZE"):
            return False
        return redis.ask("SET", TAKEN, "by a run of jobquake", "NX", "EX", TAKEN_S) is not None
    finally:
        redis.close()


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
