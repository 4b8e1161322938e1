"""Calls somebody when a module has been imported, and connects a library's hooks that way.

Loaded at the start of every Python of a worker, so it imports nothing that Python has not
loaded by then.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_waiting: dict[str, list[Callable[[Any], None]]] = {}


class Watcher:
    """A finder that finds nothing itself: it has what others find call back when it is run."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name not in _waiting:
            return None
        for finder in sys.meta_path:
            find = getattr(finder, "find_spec", None)
            if finder is self or find is None:
                continue
            spec = find(name, path, target)
            if spec is not None:
                if spec.loader is not None:
                    _call_after(spec.loader, name)
                return spec
        return None


def _call_after(loader: Any, name: str) -> None:
    if isinstance(loader, type):
        return  # shared by all frozen modules of Python; none of them is waited for
    run = loader.exec_module

    def exec_module(module: Any) -> None:
        run(module)
        for call in _waiting.pop(name, []):
            call(module)

    loader.exec_module = exec_module


def when_imported(name: str, call: Callable[[Any], None]) -> None:
    """Call with the module once it has been imported, at once if it has been."""
    if name in sys.modules:
        call(sys.modules[name])
    else:
        _waiting.setdefault(name, []).append(call)


def watch(libraries: str) -> None:
    """Connect the hooks of each library in that folder when it is imported.

    The folder of a library has its name, and ``inside.py`` there a function ``hook``.
    """
    sys.meta_path.insert(0, Watcher())
    redirect = os.environ.get("JOBQUAKE_REDIRECT")
    if redirect:
        when_imported("socket", _redirect)
        when_imported("gevent.socket", _redirect)  # which takes the other's place
        when_imported("redis.connection", _log_in)
        when_imported("redis.asyncio.connection", _log_in)
        when_imported("psycopg.generators", _lead)
        when_imported("amqp.connection", _log_in_to_rabbitmq)
        when_imported("pika.adapters.blocking_connection", _log_in_to_rabbitmq)
    for name in os.listdir(libraries):
        if os.path.exists(os.path.join(libraries, name, "inside.py")):
            when_imported(name, _hook(name))


def _redirect(socket: Any) -> None:
    from .redirect import redirect

    redirect(socket, os.environ["JOBQUAKE_REDIRECT"])


def _log_in(connection: Any) -> None:
    from .redis_login import watch

    watch(connection, os.environ["JOBQUAKE_REDIRECT"])


def _log_in_to_rabbitmq(module: Any) -> None:
    from .amqp_login import watch

    watch(module, os.environ["JOBQUAKE_REDIRECT"])


def _lead(generators: Any) -> None:
    from .libpq import watch

    watch(generators, os.environ["JOBQUAKE_REDIRECT"])


def _hook(name: str) -> Callable[[Any], None]:
    def hook(module: Any) -> None:
        from importlib import import_module

        package = __name__.rpartition(".inside.")[0]
        import_module(f"{package}.libraries.{name}.inside").hook()

    return hook
