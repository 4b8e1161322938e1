"""Small apps on the libraries, and the configurations in which each of them is run: the board's.

A library has its own in ``libraries/NAME/``: ``shop.py`` is the app, for the library's environment;
``shops.py`` holds ``SHOPS``, what is known of it without the library. ``default`` sets nothing.
``safe`` is what the library recommends against loss, and each of its settings has a reason.
"""

from __future__ import annotations

import json
import shlex
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, NamedTuple

from .app import App
from .library import Library, Looked
from .sign import ROOM, names

SHOP = "SHOP"  # where the app finds its settings, as JSON
CONFIGURATIONS = ("default", "safe")


class Setting(NamedTuple):
    """One setting of ``safe``, and why it is one.

    ``of``: the app, by the library's name of it; a word of the worker's command; or what the client
    is given for each job.
    """

    name: str
    value: Any
    why: str
    of: Literal["app", "worker", "job"] = "app"

    @property
    def text(self) -> str:
        """``task_acks_late=True``, ``--worker-ttl 60``."""
        return (
            f"{self.name} {self.value}".strip()
            if self.of == "worker"
            else f"{self.name}={self.value!r}"
        )


class Shop(NamedTuple):
    """An app on a library: how the board calls it, as what its workers name it, what is safe."""

    name: str
    target: str
    safe: tuple[Setting, ...]


def shops() -> dict[str, tuple[str, Shop]]:
    """Library and shop, by the shop's name; libraries without a shop have none."""
    found = dict[str, tuple[str, Shop]]()
    for name in names():
        module = f"{ROOM}.{name}.shops"
        for shop in import_module(module).SHOPS if find_spec(module) else ():
            found[shop.name] = name, shop
    return found


def app_of(library: str, shop: Shop, configuration: str, python: str) -> App:
    """That shop, so configured, in the environment of that Python."""
    settings = shop.safe if configuration == "safe" else ()
    said = {one.name: one.value for one in settings if one.of == "app"}
    options = {one.name: one.value for one in settings if one.of == "job"}
    return App(
        shop.target,
        python=python,
        folder=Path(__file__).parent / "libraries" / library,
        options=json.dumps(options) if options else "",
        env={SHOP: json.dumps(said)},
    )


def worker_of(shop: Shop, configuration: str, library: Library, looked: Looked, app: App) -> str:
    """The library's usual command, and the words of that configuration behind it; "": none."""
    words = [w for one in shop.safe if one.of == "worker" for w in one.text.split()]
    if configuration != "safe" or not words:
        return ""
    return shlex.join([*library.worker(app.python, shop.target, looked, (), 0), *words])
