"""The signs at the doors of the libraries: what each is called, and what an app of it looks like.

Read without the library, here and in the team's Python alike: standard library only, and no newer
than Python 3.9.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import NamedTuple

ROOM = f"{__name__.rpartition('.')[0]}.libraries"


class Sign(NamedTuple):
    """What the ``__init__.py`` of a library's folder says, in capital letters.

    ``kind``: what an app is (``an RQ queue``). ``makers``: the full names of what makes one.
    ``called``: what an app is called that nothing of the library makes: a class or a variable of
    that name, where the library is imported.
    ``pins``: the exact versions that it was tried with, its client's first. ``command``: a regular
    expression whose first group is the app in a worker's command, where such a command names one.
    ``test_ends``: with what a written test of an app ends.
    """

    name: str
    title: str
    kind: str
    makers: tuple[str, ...]
    pins: tuple[str, ...]
    called: tuple[str, ...] = ()
    command: str = ""
    test_ends: str = ""


def names() -> list[str]:
    """The libraries that jobquake knows."""
    folder = Path(__file__).parent / "libraries"
    return sorted(file.parent.name for file in folder.glob("*/inside.py"))


def sign(name: str) -> Sign:
    """Of the library of that name. Raises KeyError."""
    if name not in names():
        raise KeyError(name)
    said = vars(import_module(f"{ROOM}.{name}"))
    there = {field: said[field.upper()] for field in Sign._fields if field.upper() in said}
    return Sign(name=name, **there)


def signs() -> list[Sign]:
    """Of all libraries."""
    return [sign(name) for name in names()]


def any_of(words: str = "an app of") -> str:
    """``an app of Celery, Dramatiq or RQ``."""
    titles = sorted((one.title for one in signs()), key=str.lower)
    return f"{words} {', '.join(titles[:-1])} or {titles[-1]}"
