"""Where the connections of a pool of redis-py lead."""

from __future__ import annotations

from typing import Any


def url_of(pool: Any) -> str:
    """``redis://user:password@host:port/database``, ``rediss`` with TLS; a file's name, if so."""
    how = pool.connection_kwargs
    scheme = "rediss" if "ssl" in pool.connection_class.__name__.lower() else "redis"
    if how.get("path"):
        return f"unix://{how['path']}"
    from urllib.parse import quote

    who = quote(how.get("username") or "", safe="")
    password = quote(how.get("password") or "", safe="")
    login = f"{who}:{password}@" if who or password else ""
    place = f"{how.get('host', 'localhost')}:{how.get('port', 6379)}"
    return f"{scheme}://{login}{place}/{how.get('db') or 0}"
