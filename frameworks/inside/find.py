"""Finds what people mean by ``shop.celery:app`` in the Python that it lives in.

Nothing is left to chance that can be said: what cannot be imported, and why, is one sentence.
"""

from __future__ import annotations

import os
import sys
import traceback
from importlib import import_module
from types import ModuleType
from typing import Any

from ..sign import ROOM, any_of, names

USUAL = ("app", "celery", "celery_app", "queue", "q", "default_queue", "broker")


class NotFound(Exception):
    """There is no app where somebody said that there is one. The message is one sentence."""


def libraries() -> dict[str, ModuleType]:
    """The inside of every library that jobquake knows, by name. Imports none of the libraries."""
    return {name: import_module(f"{ROOM}.{name}.inside") for name in names()}


def find(target: str) -> tuple[str, ModuleType, Any]:
    """The library's name, its inside, and the object. Raises :class:`NotFound`."""
    module_name, _, path = target.partition(":")
    here = os.getcwd()
    if here not in sys.path:
        sys.path.insert(0, here)
    module = _module(module_name)
    known = libraries()
    if path:
        found = _attribute(module, path)
        for name, inside in known.items():
            if inside.recognises(found):
                return name, inside, found
        raise NotFound(
            f"expected {any_of()} in {target}, found {_kind(found)}; name the "
            "object that your worker command is given"
        )
    for attribute in (*USUAL, *vars(module)):
        found = getattr(module, attribute, None)
        for name, inside in known.items():
            if found is not None and inside.recognises(found):
                return name, inside, found
    raise NotFound(
        f"expected {any_of()} in the module {module_name}, found none; name it "
        f"as {module_name}:NAME"
    )


def _module(name: str) -> ModuleType:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(f"{error.name}.")):
            raise NotFound(
                f"expected a module {name} in {os.getcwd()}, found none that is called "
                f"{error.name}; run jobquake in the app's folder, or name it with --app-dir"
            ) from error
        raise NotFound(
            f"expected to import {name}, found that {_place(error)} needs {error.name}, which this "
            "Python does not have; name the Python of the app with --python"
        ) from error
    except BaseException as error:
        raise NotFound(
            f"expected to import {name}, found {_line(error)} ({_place(error)}); set what the app "
            "needs in the environment, as for its workers"
        ) from error


def _attribute(module: ModuleType, path: str) -> Any:
    found: Any = module
    for name in path.split("."):
        if not hasattr(found, name):
            public = [word for word in vars(module) if not word.startswith("_")]
            raise NotFound(
                f"expected {path} in the module {module.__name__}, found none; it has "
                f"{', '.join(public[:12]) or 'nothing'}"
            )
        found = getattr(found, name)
    return found


def _kind(found: Any) -> str:
    return f"an object of the class {type(found).__module__}.{type(found).__name__}"


def _line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _place(error: BaseException) -> str:
    """The line of the app that raised."""
    return line_of(traceback.extract_tb(error.__traceback__))


def line_of(frames: traceback.StackSummary) -> str:
    """The innermost line of the app."""
    outside = [f for f in frames if "<frozen" not in f.filename and f.filename != __file__]
    outside = [f for f in outside if f"importlib{os.sep}" not in f.filename]
    own = [f for f in outside if f.filename.startswith(os.getcwd() + os.sep)] or outside
    if not own:
        return "it"
    return f"{os.path.relpath(own[-1].filename)}, line {own[-1].lineno}"
