"""The plan as JSON for people and other programs: objects with field names.

Nothing reads it back: what replays is the replay string, which :mod:`.plan` makes and reads.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from .plan import Plan


def to_json(plan: Plan) -> bytes:
    """The plan as JSON that people can read: objects with field names."""
    return msgspec.json.format(msgspec.json.encode(_named(plan)), indent=1)


def _named(value: object) -> object:
    if isinstance(value, Struct):
        named = {field: _named(getattr(value, field)) for field in value.__struct_fields__}
        tag = value.__struct_config__.tag
        return {"type": tag, **named} if tag else named
    if isinstance(value, tuple):
        return [_named(item) for item in value]
    return value
