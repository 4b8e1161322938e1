"""Every backend by its name, which is the name of its file.

``built_in/reference_redis.py`` is ``reference-redis`` and holds ``BACKEND``;
``reference/twins/no_lease.py`` is ``twin-no-lease`` and holds ``TWIN``. Only the one that is
asked for is imported. Other packages add theirs through the entry point group
``jobquake.backends``, whose entries name an object with the members of
:class:`.adapter.Adapter`. ``NAME@PLACE`` is a backend put in another place, if it has a
method ``at``.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Protocol, runtime_checkable

from ..blame import blaming
from ..listing import files, plugin, plugins
from .adapter import Adapter

GROUP = "jobquake.backends"
FOLDERS = (
    ("", f"{__package__}.built_in", "BACKEND"),
    ("twin-", f"{__package__}.reference.twins", "TWIN"),
)


def _built_in() -> dict[str, tuple[str, str]]:
    """The module of each backend here, and its name in that module. Imports no backend."""
    return {
        prefix + file.replace("_", "-"): (f"{folder}.{file}", attribute)
        for prefix, folder, attribute in FOLDERS
        for file in files(folder)
    }


def names() -> list[str]:
    """Every backend that can be asked for: built-in ones, then twins, then plugins."""
    return list(dict.fromkeys([*_built_in(), *plugins(GROUP)]))


@runtime_checkable
class Movable(Protocol):
    """A backend that can live in several places."""

    def at(self, place: str) -> Adapter: ...


def _put(movable: Movable, name: str, place: str) -> Adapter:
    try:
        return movable.at(place)
    except KeyError:
        raise
    except Exception:  # of somebody else's code
        with blaming(name, f"at({place!r})"):
            raise


@cache
def find(name: str) -> Adapter:
    """The backend of that name. Raises KeyError if there is none, and BrokenPlugin."""
    base, at, place = name.rpartition("@")
    if at:
        movable = find(base)
        if not isinstance(movable, Movable):
            raise KeyError(name)
        return _put(movable, base, place)
    adapter: Adapter
    if found := _built_in().get(name):
        module, attribute = found
        adapter = getattr(import_module(module), attribute)
    else:
        adapter = plugin(GROUP, "backend", name)
    return adapter
