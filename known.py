"""Files of what is known to break and why it may, written by ``--record`` and held by ``--expect``.

One for runs (:mod:`.baseline`), one for sweeps (:mod:`.sweep.expected`): each says what its entries
are. What got better than known is as red as what got worse, so that a file can only shrink by being
mended.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from .errors import UsageError
from .whole_file import read_whole

T = TypeVar("T", bound=Struct)


class Differences(Struct, frozen=True):
    """What was found besides what is expected, a sentence each.

    ``worse``, ``better`` and ``other`` make it red; ``told`` is about what came, went or changed
    places; ``missing`` was not run.
    """

    worse: tuple[str, ...] = ()
    better: tuple[str, ...] = ()
    other: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def red(self) -> tuple[str, ...]:
        return self.worse + self.better + self.other


def read_known(file: Path, kind: type[T], made_by: str) -> T:
    """What the file says. Raises :class:`UsageError` if it is no such file."""
    try:
        return msgspec.convert(tomllib.loads(read_whole(file).decode()), kind)
    except OSError as error:
        raise UsageError(
            f"expected a file of what is known, found {file}: {error.strerror}; make one with "
            f"{made_by}"
        ) from None
    except ValueError as error:  # of TOML, of a text, of a field, of what is no file
        raise UsageError(
            f"expected a file that --record made, found {file}: {error}; mend it, or make it anew"
        ) from None


def quoted(text: str) -> str:
    """The text as a string of TOML."""
    return json.dumps(text, ensure_ascii=False)  # a basic string of TOML, too
