"""Replay strings: the whole plan in one word, with the backend and the driver it failed on.

``jq1:`` + base64url(zlib(json)) with a checksum, so it needs no scenario file and survives
changes to one.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from .armor import ReplayError, seal, unseal
from .plan import Plan
from .validate import PlanError, validate

PREFIX = "jq1:"
MAX_PLAN = 64 * 1024 * 1024


class Packed(Struct, frozen=True, array_like=True):
    """What a replay string holds: the plan and where it failed."""

    backend: str
    driver: str
    plan: Plan


def encode(plan: Plan, backend: str, driver: str) -> str:
    """The replay string of a plan."""
    return PREFIX + seal(msgspec.json.encode(Packed(backend, driver, plan)))


def decode(text: str) -> Packed:
    """The plan in a replay string.

    Raises :class:`ReplayError` if the string is damaged or its plan makes no sense.
    """
    packed = unpack(text)
    try:
        validate(packed.plan)
    except PlanError as error:
        raise ReplayError(str(error)) from error
    return packed


def unpack(text: str) -> Packed:
    """Like :func:`decode`, for a string that this package has just made from a valid plan."""
    text = "".join(text.split())
    if not text.startswith(PREFIX):
        found = text[:12] or "nothing"
        raise ReplayError(
            f"expected a replay string that starts with {PREFIX!r}, found {found!r}; "
            "copy it whole from the report, or use the jobquake version that printed it"
        )
    packed = unseal(text[len(PREFIX) :], MAX_PLAN)
    try:
        return msgspec.json.decode(packed, type=Packed)
    except (ValueError, RecursionError) as error:
        raise ReplayError(
            f"expected a plan of this version in the replay string, found another: {error}; "
            "use the jobquake version that printed it"
        ) from error
