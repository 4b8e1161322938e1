"""A small job framework, as others write them: a master that keeps jobs, a worker program.

It knows nothing of jobquake. Jobs wait in the master's file, are handed to workers over TCP,
and are ready again when the connection of whoever took them breaks. A worker acknowledges a
job after it has run it (``--ack late``) or before (``--ack early``).
"""

from __future__ import annotations

from collections.abc import Callable

Function = Callable[[str], None]
functions: dict[str, Function] = {}
listeners: list[Callable[[str, str], None]] = []
"""Called with each step of a worker: ``ready``, ``took``, ``begins``, ``returned``, ``raised``,
``acking``, ``acked``, ``over``; and the job's id."""


def job(function: Function) -> Function:
    """Make a function of the app one that can be enqueued by its name."""
    functions[function.__name__] = function
    return function


def tell(step: str, identifier: str = "") -> None:
    for listener in listeners:
        listener(step, identifier)
