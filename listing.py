"""What there is to choose from: the files of a folder, and what other packages offer.

Each kind of thing (a check, a scenario, a twin ...) has a folder, and a file there is one of
that kind. So a new one is one file, and there is no list to edit. Other packages offer theirs
through entry points.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from .errors import BrokenPlugin


def files(folder: str) -> list[str]:
    """The names of the modules in this package, sorted. Imports none of them."""
    return sorted(module.name for module in iter_modules(import_module(folder).__path__))


def held(folder: str, name: str) -> dict[str, Any]:
    """What the files of this package hold under ``name``, by file. Leaves out those without it."""
    modules = {file: import_module(f"{folder}.{file}") for file in files(folder)}
    return {file: vars(module)[name] for file, module in modules.items() if name in vars(module)}


def plugins(group: str) -> list[str]:
    """The names that other packages have in this group of entry points, sorted."""
    from importlib.metadata import entry_points  # slow to import, and workers start often

    return sorted(entry_points(group=group).names)


def plugin(group: str, kind: str, name: str) -> Any:
    """What another package offers under that name. Raises KeyError and BrokenPlugin."""
    from importlib.metadata import entry_points

    for entry in entry_points(group=group, name=name):
        try:
            return entry.load()
        except Exception as error:
            raise BrokenPlugin(
                f"expected the {kind} {name} in {entry.value}, found "
                f"{type(error).__name__}: {error}; repair or uninstall that package"
            ) from error
    raise KeyError(name)
