"""Runs in the team's own Python: calls the functions that it is told, and answers with JSON.

Standard library only, and no newer than Python 3.8, since it runs where jobquake is not installed.
It is handed to ``python -c`` as text, so that this folder is not on the app's path. A line with the
name of a function and its arguments comes in, a line with what it returned, or why it could not,
goes out. It ends when its input does, even in the middle of a function.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import os
import queue
import sys
import threading
import traceback
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what the app prints is no answer
    here = str(Path.cwd())
    if here not in sys.path and "" not in sys.path:  # with PYTHONSAFEPATH
        sys.path.insert(0, here)
    questions = queue.SimpleQueue()  # type: ignore[var-annotated]
    threading.Thread(target=_read, args=(questions,), daemon=True).start()
    while True:
        name, args = questions.get()
        answers.write(json.dumps(answer(name, args)) + "\n")
        answers.flush()


def _read(questions: Any) -> None:
    for line in sys.stdin:
        questions.put(json.loads(line))
    os._exit(0)


def answer(name: str, args: list[Any]) -> dict[str, Any]:
    """Its ``value``, what is ``wrong`` with the name, or the error that it ``raised``."""
    module_name, _, path = name.partition(":")
    try:
        found: Any = importlib.import_module(module_name)
        for part in path.split("."):
            if not hasattr(found, part):
                return {"wrong": f"no {part} in {found.__name__}"}
            found = getattr(found, part)
        if not callable(found):
            return {"wrong": f"{path} is a {type(found).__name__}, not a function"}
        value = found(*args)
        if inspect.isawaitable(value):
            value = asyncio.run(_awaited(value))
        return {"value": plain(value)}
    except BaseException as error:  # noqa: BLE001 (the app may raise what it likes)
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing and (module_name + ".").startswith(missing + "."):
            return {"wrong": str(error)}
        return {"raised": _told(error)}


async def _awaited(value: Any) -> Any:
    return await value


def plain(value: Any) -> Any:
    """The value as JSON has it: what can be iterated is a list, what JSON lacks is a text."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, Iterable):
        return [plain(one) for one in value]
    return str(value)


def _told(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""
    return "{}: {}{}".format(type(error).__name__, " ".join(str(error).split()), where)


if __name__ == "__main__":
    main()
