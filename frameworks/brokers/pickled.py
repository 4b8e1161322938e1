"""What can be read in somebody's pickle without loading it, which would run their code here."""

from __future__ import annotations

import pickletools

STRINGS = ("SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "UNICODE")


def strings_of(pickle: bytes) -> list[str]:
    """The strings in it, in their order; none, if it is no pickle."""
    try:
        return [
            str(argument)
            for opcode, argument, _ in pickletools.genops(pickle)
            if opcode.name in STRINGS
        ]
    except (ValueError, IndexError):
        return []


def string_behind(pickle: bytes, name: str) -> str:
    """The string that follows that one, as a value follows its key; "" if there is none."""
    found = strings_of(pickle)
    at = found.index(name) + 1 if name in found else len(found)
    return found[at] if at < len(found) else ""
