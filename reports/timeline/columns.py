"""Numbers and words packed for the browser: typed, delta-coded columns, gzip, base64.

The bytes: the length of the header (4 bytes), the header as JSON, then the columns in the
order in which the header names them. A column is its values, or the steps from each to the
next where ``delta`` is set, zigzag-coded (0, -1, 1, -2, ...), the lowest bytes of all of them
first, then the next higher ones: gzip makes nothing of bytes that are all alike. What the
columns mean is none of its business; ``browser/decode.js`` is its counterpart.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

LEVEL = 6  # 9 takes three times as long for one part in a hundred
SMALL, LARGE = "i32", "f64"  # what holds the values in the browser


class Column(NamedTuple):
    """One column, packed. ``planes`` bytes for each of ``length`` values."""

    name: str
    length: int
    planes: int
    delta: bool
    kind: str
    packed: bytes

    @property
    def described(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "length": self.length,
            "planes": self.planes,
            "delta": self.delta,
            "kind": self.kind,
        }


def column(name: str, values: npt.ArrayLike, delta: bool = False) -> Column:
    """Pack whole numbers; exact in the browser up to 2**53."""
    exact = np.asarray(values, dtype=np.int64)
    steps = np.diff(exact, prepend=0) if delta else exact
    coded = ((steps << 1) ^ (steps >> 63)).astype("<u8")
    planes = max(1, (int(coded.max(initial=0)).bit_length() + 7) // 8)
    packed = coded.view(np.uint8).reshape(-1, 8)[:, :planes].T.tobytes()
    kind = SMALL if int(np.abs(exact).max(initial=0)) < 2**31 else LARGE
    return Column(name, len(exact), planes, delta, kind, packed)


def block(header: dict[str, Any], columns: Sequence[Column]) -> str:
    """Header and columns as base64."""
    described = header | {"columns": [each.described for each in columns]}
    words = json.dumps(described, separators=(",", ":")).encode()
    raw = b"".join([len(words).to_bytes(4, "little"), words, *(c.packed for c in columns)])
    return base64.b64encode(gzip.compress(raw, LEVEL, mtime=0)).decode()
