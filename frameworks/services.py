"""What an app's tasks call besides the broker, and what a run puts in its place, in one text."""

from __future__ import annotations

import re
import shlex
from typing import NamedTuple

from ..backends.framework import Service
from ..errors import UsageError

FORM = "NAME=HOST:PORT=COMMAND"
_FORM = re.compile(r"(?P<name>[\w.-]+)=(?P<host>[^=:\s]+):(?P<port>\d{1,5})=(?P<command>.+)", re.S)


class Put(NamedTuple):
    """``said``: the text as it was given."""

    service: Service
    said: str


def put(said: str) -> Put:
    """``payments=localhost:8475=jobquake sink --port {port}``. Raises :class:`UsageError`."""
    found = _FORM.fullmatch(said.strip())
    if found is None or not 0 < int(found["port"]) < 65536:
        raise UsageError(
            f"expected {FORM} as service, found {said!r}; name what your tasks call, where they "
            "look for it, and the command that serves it at {port}"
        )
    try:
        words = shlex.split(found["command"])
    except ValueError as error:
        raise UsageError(
            f"expected a command in {said!r}, found that it is none: {error}; mend its quotes"
        ) from None
    if not any("{port}" in word for word in words):
        raise UsageError(
            f"expected {{port}} in the command that serves {found['name']}, found none; each run "
            "has a server of its own at a port of its own"
        )
    return Put(Service(found["name"], found["host"], int(found["port"]), tuple(words)), said)
