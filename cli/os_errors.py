"""What the operating system refuses while a command works becomes one sentence of ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import EnvironmentFault


@contextmanager
def os_errors_told() -> Iterator[None]:
    """In this block an OSError is an EnvironmentFault; errors of ours pass as they are."""
    try:
        yield
    except OSError as error:
        raise EnvironmentFault(str(error)) from error
