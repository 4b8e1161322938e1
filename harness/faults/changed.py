"""The fields of a fault with their kinds, and a fault with some of its fields changed by them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any, NamedTuple, TypeVar, get_args, get_type_hints

from msgspec import Struct
from msgspec.structs import replace

from .kind import Gone, Kind

F = TypeVar("F", bound=Struct)


class Field(NamedTuple):
    """A field of a fault by its name, and what kind of values it holds."""

    name: str
    kind: Kind


@cache
def fields_of(fault: type[Struct]) -> tuple[Field, ...]:
    """The fields of this fault in the order in which its file has them.

    Raises TypeError for a field that does not say what kind it is.
    """
    hints = get_type_hints(fault, include_extras=True)
    return tuple(Field(name, _kind(fault, name, hints[name])) for name in fault.__struct_fields__)


def _kind(fault: type[Struct], name: str, hint: Any) -> Kind:
    for said in get_args(hint)[1:]:
        if isinstance(said, Kind):
            return said
    raise TypeError(
        f"expected a kind of field as the type of {fault.__name__}.{name}, found {hint!r}; "
        "take one from jobquake.harness.faults.fields, such as When or Span"
    )


def changed(fault: F, change: Callable[[Kind, Any], Any]) -> F:
    """The fault with each field changed by its kind; what the change raises is passed on."""
    values = {field.name: getattr(fault, field.name) for field in fields_of(type(fault))}
    news = {field.name: change(field.kind, values[field.name]) for field in fields_of(type(fault))}
    return fault if news == values else replace(fault, **news)


def all_changed(faults: Iterable[F], change: Callable[[Kind, Any], Any]) -> tuple[F, ...]:
    """The faults, changed, without those whose job or worker is :class:`Gone`."""

    def left() -> Iterator[F]:
        for fault in faults:
            try:
                yield changed(fault, change)
            except Gone:
                continue

    return tuple(left())


def narrower(fault: F) -> Iterator[F]:
    """The same fault striking less, in one field each, largest steps first."""
    for name, kind in sorted(fields_of(type(fault)), key=lambda field: field.kind.rank):
        for value in kind.narrower(getattr(fault, name)):
            yield replace(fault, **{name: value})
