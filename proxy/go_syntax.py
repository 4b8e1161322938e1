"""The first JSON value in some bytes, and what Go's encoding/json says if there is none.

Clients of Toxiproxy come to see those words. Nothing is decoded here: the grammar alone is
checked, byte by byte as Go does it, and whatever follows the first value is not looked at.
"""

from __future__ import annotations

import re
from typing import NoReturn

from ..errors import ProtocolError

MAX_DEPTH = 10_000
SPACE = re.compile(rb"[ \t\r\n]*")
DIGITS = re.compile(rb"[0-9]*")
PLAIN = re.compile(rb'[^"\\\x00-\x1f]*')
LITERALS = {b"t": b"true", b"f": b"false", b"n": b"null"}
NAMED = {0x07: "\\a", 0x08: "\\b", 0x09: "\\t", 0x0A: "\\n", 0x0B: "\\v", 0x0C: "\\f", 0x0D: "\\r"}
NAMED |= {ord("'"): "\\'", ord("\\"): "\\\\"}
UNPRINTABLE = {*range(0x80, 0xA1), 0xAD}  # of the first 256 characters; below them, see _shown


class JSONError(ProtocolError):
    """The text is no JSON, or not of the expected shape; in Go's words."""


def first_value(body: bytes) -> bytes:
    """The bytes of the first value, without the space before it. Raises JSONError."""
    start = at = _after(SPACE, body, 0)
    if at == len(body):
        raise JSONError("EOF")
    opened: list[bytes] = []  # the brackets that have not been closed yet
    wanted = "value"
    while True:
        at = _after(SPACE, body, at)
        byte = body[at : at + 1]
        match wanted, byte:
            case "first value", b"]":
                opened.pop()
                at += 1
            case "value" | "first value", b"[" | b"{":
                opened.append(byte)
                if len(opened) > MAX_DEPTH:
                    _fail(body, at, "exceeded max depth")
                wanted = "first value" if byte == b"[" else "first key"
                at += 1
                continue
            case "value" | "first value", _:
                at = _scalar(body, at)
            case "first key", b"}":
                opened.pop()
                at += 1
            case "key" | "first key", b'"':
                at = _string(body, at)
                wanted = "colon"
                continue
            case "key" | "first key", _:
                _fail(body, at, "looking for beginning of object key string")
            case "colon", b":":
                wanted = "value"
                at += 1
                continue
            case "colon", _:
                _fail(body, at, "after object key")
            case "comma", b",":
                wanted = "value" if opened[-1] == b"[" else "key"
                at += 1
                continue
            case "comma", b"]" | b"}" if (opened[-1] + byte) in (b"[]", b"{}"):
                opened.pop()
                at += 1
            case _:
                where = "array element" if opened[-1] == b"[" else "object key:value pair"
                _fail(body, at, f"after {where}")
        if not opened:
            return body[start:at]
        wanted = "comma"


def _scalar(body: bytes, at: int) -> int:
    """Where the string, number or literal that begins at ``at`` ends."""
    byte = body[at : at + 1]
    if byte == b'"':
        return _string(body, at)
    if byte in LITERALS:
        return _literal(body, at, LITERALS[byte])
    if byte != b"-" and not byte.isdigit():
        _fail(body, at, "looking for beginning of value")
    return _number(body, at)


def _string(body: bytes, at: int) -> int:
    at += 1
    while True:
        at = _after(PLAIN, body, at)
        byte = body[at : at + 1]
        if byte == b'"':
            return at + 1
        if byte != b"\\":
            _fail(body, at, "in string literal")
        at += 1
        byte = body[at : at + 1]
        if byte == b"u":
            for _ in range(4):
                at += 1
                if not re.match(rb"[0-9A-Fa-f]", body[at : at + 1]):
                    _fail(body, at, "in \\u hexadecimal character escape")
        elif not byte or byte not in b'"\\/bfnrt':
            _fail(body, at, "in string escape code")
        at += 1


def _number(body: bytes, at: int) -> int:
    if body[at : at + 1] == b"-":
        at += 1
        if not body[at : at + 1].isdigit():
            _fail(body, at, "in numeric literal")
    at = at + 1 if body[at : at + 1] == b"0" else _after(DIGITS, body, at)
    if body[at : at + 1] == b".":
        at = _digits(body, at + 1, "after decimal point in numeric literal")
    if body[at : at + 1] in (b"e", b"E"):
        at += 1
        if body[at : at + 1] in (b"+", b"-"):
            at += 1
        at = _digits(body, at, "in exponent of numeric literal")
    return at


def _digits(body: bytes, at: int, place: str) -> int:
    end = _after(DIGITS, body, at)
    if end == at:
        _fail(body, at, place)
    return end


def _literal(body: bytes, at: int, word: bytes) -> int:
    for offset, expected in enumerate(word):
        if body[at + offset : at + offset + 1] != bytes([expected]):
            _fail(body, at + offset, f"in literal {word.decode()} (expecting '{chr(expected)}')")
    return at + len(word)


def _after(pattern: re.Pattern[bytes], body: bytes, at: int) -> int:
    matched = pattern.match(body, at)
    assert matched
    return matched.end()


def _fail(body: bytes, at: int, place: str) -> NoReturn:
    if at >= len(body):
        raise JSONError("unexpected EOF")
    raise JSONError(f"invalid character '{_shown(body[at])}' {place}")


def _shown(byte: int) -> str:
    """A byte as Go quotes it: as the character of that number."""
    if byte in NAMED:
        return NAMED[byte]
    if byte < 0x20 or byte == 0x7F:
        return f"\\x{byte:02x}"
    return f"\\u{byte:04x}" if byte in UNPRINTABLE else chr(byte)
