"""Where the connections of a pool of redis-py lead."""

from __future__ import annotations

from typing import Any


def url_of(pool: Any) -> str:
    """``redis://user:password@host:port/database``; of TLS and a socket's file, enough to tell."""
    how = pool.connection_kwargs
    if "ssl" in pool.connection_class.__name__.lower():
        return f"rediss://{how.get('host', '')}"
    if how.get("path"):
        return f"unix://{how['path']}"
    from urllib.parse import quote

    who = quote(how.get("username") or "", safe="")
    password = quote(how.get("password") or "", safe="")
    login = f"{who}:{password}@" if who or password else ""
    place = f"{how.get('host', 'localhost')}:{how.get('port', 6379)}"
    return f"redis://{login}{place}/{how.get('db') or 0}"
