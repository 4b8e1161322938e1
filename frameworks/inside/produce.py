"""One producer of a run, in the team's Python: calls their task with the library's own client.

The arguments of a job come from the command line, the same for all, or from a function of the
team's that is given the job's number.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from ...protocol.submit import submit

Arguments = tuple[list[Any], dict[str, Any]]


def produce(enqueue: Callable[[Mapping[str, Any], Any, Any], object], said: str) -> None:
    """Enqueue each job when its time has come."""
    arguments_of = arguments(said)
    submit(lambda job: enqueue(job, *arguments_of(int(job["index"]))))


def arguments(said: str) -> Callable[[int], Arguments]:
    """``[1, 2]``, ``{"order": 1}`` or ``module:function``; nothing: no arguments."""
    if not said:
        return lambda number: ([], {})
    if said.lstrip()[:1] in ("[", "{"):
        fixed = split(json.loads(said))
        return lambda number: fixed
    module, _, name = said.partition(":")
    try:
        function = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise SystemExit(f"no function {said} makes arguments: {error}") from None
    return lambda number: split(function(number))


def split(given: Any) -> Arguments:
    """Positional and named arguments: of a list, a dict, both in a pair, or one value."""
    if isinstance(given, dict):
        return [], dict(given)
    if isinstance(given, (list, tuple)):
        if len(given) == 2 and isinstance(given[0], (list, tuple)) and isinstance(given[1], dict):
            return list(given[0]), dict(given[1])
        return list(given), {}
    return [given], {}
