"""From what somebody listed to how often each effect happened."""

from __future__ import annotations

from collections import Counter
from typing import Any

from .app import NoAnswer

EXPECTED = "a list of identifiers, a list of objects with an id, or counts by identifier"


def counted(listed: Any, who: str) -> Counter[str]:
    """How often each identifier stands in ``listed``, or is said to have happened.

    It is a list of texts and numbers, a list of objects that have an ``id`` and perhaps a
    ``count``, or one object of counts by identifier. Raises NoAnswer if it is none of these.
    """
    counts: Counter[str] = Counter()
    if isinstance(listed, dict):
        rows = [{"id": name, "count": count} for name, count in listed.items()]
    elif isinstance(listed, list):
        rows = [row if isinstance(row, dict) else {"id": row} for row in listed]
    else:
        raise _unlisted(who, listed)
    for row in rows:
        name, times = row.get("id"), row.get("count", 1)
        if not _is(name, str, int, float) or not _is(times, int) or times < 0:
            raise _unlisted(who, row)
        if times:
            counts[str(name)] += times
    return counts


def _is(value: Any, *types: type) -> bool:
    return isinstance(value, types) and not isinstance(value, bool)


def _unlisted(who: str, found: Any) -> NoAnswer:
    shown = repr(found)
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    return NoAnswer(f"expected {who} to give {EXPECTED}, found {shown}; change what it gives")
