"""What twins are made of: a store with some steps replaced, a worker with some wants replaced.

Everything that is not replaced is the correct one. No twin is here, and no mistake.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from inspect import signature
from typing import Any, cast

from ...protocol.worker import Worker
from .record import Record
from .stores.store import FIRST, Place, Store


class _Altered:
    """The given methods, and the inner store's for all others."""

    def __init__(self, store: Store, methods: dict[str, Callable[..., Any]]) -> None:
        self._store = store
        self.__dict__.update(methods)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def altered_store(store: Store, **methods: Callable[..., Any]) -> Store:
    """``store`` with these methods instead of its own. Raises AttributeError for a strange one."""
    for name in methods:
        getattr(store, name)
    if "dead" in methods:
        methods["dead"] = _in_pages(methods["dead"])
    return cast(Store, _Altered(store, methods))


def _in_pages(dead: Callable[..., list[Record]]) -> Callable[..., list[Record]]:
    """A ``dead`` that takes nothing and gives every dead letter, as the pages that it is asked for.

    One that takes where to begin and how many is left as it is.
    """
    if signature(dead).parameters:
        return dead

    def page(after: Place = FIRST, most: int | None = None) -> list[Record]:
        behind = [record for record in dead() if (record.ended_at, record.sequence) > after]
        return sorted(behind, key=lambda record: (record.ended_at, record.sequence))[:most]

    return page


def altered_worker(wants: Worker, carry: Callable[[Any], Generator[Any, Any, Any]]) -> Worker:
    """The worker ``wants``, each of whose wants is carried out by ``carry``.

    That is a generator: it yields what is wanted instead, and returns the answer to it.
    """
    answer: Any = None
    while True:
        try:
            want = wants.send(answer)
        except StopIteration:
            return
        answer = yield from carry(want)


def not_overdue(change_at: float | None, now: float) -> float | None:
    """When a store next changes, for one that looks away from what is overdue by now.

    Whoever waits for a change that is never made would ask again and again, without a pause.
    """
    return None if change_at is not None and change_at <= now else change_at
