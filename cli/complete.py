"""What a shell completes: names of scenarios and backends, and folders of kept runs.

A name that cannot be found out, as one of a package that does not load, is left out in silence:
nothing may be printed into a command line that is being typed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress

from click import Context, Parameter

from ..errors import JobquakeError
from .options import KEPT

Completer = Callable[[Context, Parameter, str], list[str]]


def _of(names: Callable[[], Iterable[str]]) -> Completer:
    def complete(_context: Context, _parameter: Parameter, begun: str) -> list[str]:
        found: list[str] = []
        with suppress(JobquakeError, OSError):
            found.extend(name for name in names() if name.startswith(begun))
        return found

    return complete


def _scenarios() -> list[str]:
    from ..scenarios import registry

    return registry.names()


def _backends() -> list[str]:
    from ..backends import registry

    return registry.names()


def _runs() -> list[str]:
    return sorted(str(file.parent) for kept in KEPT for file in kept.rglob("result.json"))


scenarios, backends, runs = _of(_scenarios), _of(_backends), _of(_runs)
