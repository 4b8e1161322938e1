"""How methods of AMQP 0-9-1 are written, and what stands in the headers of messages.

They are cut and read by :mod:`....wires.amqp`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ....wires.amqp import BODY, CLASSES, END, FRAME, HEADER, METHOD, NAMES, PROTOCOL

CODES = {
    f"{CLASSES[of]}.{name}": of.to_bytes(2, "big") + number.to_bytes(2, "big")
    for (of, number), name in NAMES.items()
}
GREETING = PROTOCOL + b"\0\0\x09\1"
LAST = b"\xce"  # the byte that ends a frame
BASIC = (60).to_bytes(2, "big")
HEADERS, MODE, PRIORITY, ID = 1 << 13, 1 << 12, 1 << 11, 1 << 7  # flags of a message's properties
# The size of what a table holds, by the letter of its type; of others it is told.
SIZES = {b"t": 1, b"b": 1, b"B": 1, b"s": 2, b"u": 2, b"I": 4, b"i": 4, b"l": 8, b"f": 4, b"d": 8,
         b"T": 8, b"D": 5, b"V": 0}  # fmt: skip
WHOLE = (b"b", b"B", b"s", b"u", b"I", b"i", b"l")


def told(name: str, channel: int, *arguments: bytes) -> bytes:
    """A method as it stands on the wire."""
    return _frame(METHOD, channel, CODES[name] + b"".join(arguments))


def content(channel: int, properties: bytes, body: bytes, frame_max: int) -> Sequence[bytes]:
    """The frames that follow a method which carries this body."""
    most = frame_max - FRAME - END
    pieces = [body[at : at + most] for at in range(0, len(body), most)]
    head = BASIC + bytes(2) + len(body).to_bytes(8, "big") + properties
    return [_frame(HEADER, channel, head), *(_frame(BODY, channel, piece) for piece in pieces)]


def properties(message_id: str, mode: int, priority: int) -> bytes:
    """Those of a message. ``mode``: 2 is kept on disk, 1 is not."""
    known = message_id.encode()[:255]
    flags = (MODE | PRIORITY | ID).to_bytes(2, "big")
    return flags + bytes([mode, priority, len(known)]) + known


def short(text: str) -> bytes:
    return bytes([len(text.encode())]) + text.encode()


def long(held: bytes) -> bytes:
    return len(held).to_bytes(4, "big") + held


def table(items: Mapping[str, str | int]) -> bytes:
    """A table of texts and whole numbers."""
    return long(b"".join(short(name) + _value(value) for name, value in items.items()))


def counted(header: bytes, name: str) -> int:
    """The whole number of that name in the headers of a message; 0 if there is none."""
    flags = int.from_bytes(header[12:14], "big")
    if not flags & HEADERS:
        return 0
    at = 14
    for flag in (1 << 15, 1 << 14):  # content type and encoding stand before
        if flags & flag:
            at += 1 + header[at]
    end = at + 4 + int.from_bytes(header[at : at + 4], "big")
    at += 4
    while at < end:
        known = header[at + 1 : at + 1 + header[at]].decode()
        at += 1 + header[at]
        kind = header[at : at + 1]
        at += 1
        size = SIZES.get(kind)
        if size is None:  # a text, a table, an array
            size = 4 + int.from_bytes(header[at : at + 4], "big")
        if known == name and kind in WHOLE:
            return int.from_bytes(header[at : at + size], "big")
        at += size
    return 0


def _value(value: str | int) -> bytes:
    if isinstance(value, int):
        return b"l" + value.to_bytes(8, "big", signed=True)
    return b"S" + long(value.encode())


def _frame(kind: int, channel: int, held: bytes) -> bytes:
    return bytes([kind]) + channel.to_bytes(2, "big") + long(held) + LAST
