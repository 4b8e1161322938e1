"""The broker's wire format: a 4-byte big-endian length, then msgpack ``[id, message]``.

Messages are the commands and replies of :mod:`..commands`, tagged by name. The request
id ties a reply to its request, so replies may come in another order and a late reply
to an abandoned request is recognised. Frames over the limit are refused unread.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ....errors import ProtocolError
from ....protocol.commands import Command, Reply

MAX_FRAME = 8 * 1024 * 1024
MAX_COMMAND = MAX_FRAME - 1024 * 1024  # what is enqueued must fit into an answer, with its history
HEADER = 4

_encoder = msgspec.msgpack.Encoder()
_command_decoder = msgspec.msgpack.Decoder(tuple[int, Command])
_reply_decoder = msgspec.msgpack.Decoder(tuple[int, Reply])
_peek_decoder = msgspec.msgpack.Decoder(tuple[int, dict[str, Any]])


class FrameError(ProtocolError):
    """The bytes are not a frame of this protocol; the connection cannot go on."""


class MessageError(ProtocolError):
    """The frame is whole but its message is not one we know; ``request_id`` may be 0."""

    def __init__(self, request_id: int, text: str) -> None:
        super().__init__(text)
        self.request_id = request_id


def encode(request_id: int, message: Command | Reply) -> bytes:
    """The frame of a message. Raises :class:`FrameError` if it is too large for one."""
    body = _encoder.encode((request_id, message))
    if too_large := _too_large(
        len(body), MAX_COMMAND if isinstance(message, Command) else MAX_FRAME
    ):
        raise FrameError(too_large)
    return len(body).to_bytes(HEADER, "big") + body


def _too_large(size: int, most: int) -> str:
    """Why a message of that size is refused; "" if it is not."""
    if size <= most:
        return ""
    return (
        f"expected a message of at most {most} bytes, found {size}; "
        "put large payloads elsewhere and enqueue their address"
    )


def split(buffer: bytearray, max_frame: int = MAX_FRAME) -> list[bytes]:
    """Take the whole frames' bodies off the front of ``buffer``.

    Raises :class:`FrameError` as soon as a header announces more than ``max_frame`` bytes.
    """
    bodies = []
    start = 0
    while len(buffer) - start >= HEADER:
        size = int.from_bytes(buffer[start : start + HEADER], "big")
        if size > max_frame:
            raise FrameError(f"expected a frame of at most {max_frame} bytes, found {size}")
        end = start + HEADER + size
        if len(buffer) < end:
            break
        bodies.append(bytes(buffer[start + HEADER : end]))
        start = end
    del buffer[:start]
    return bodies


def decode_command(body: bytes) -> tuple[int, Command]:
    """Raises :class:`MessageError` about what is no command, or too large for one."""
    if too_large := _too_large(len(body), MAX_COMMAND):
        raise MessageError(_request_id(body), too_large)
    try:
        return _command_decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise MessageError(_request_id(body), f"bad message: {error}") from error


def decode_reply(body: bytes) -> tuple[int, Reply]:
    try:
        return _reply_decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise MessageError(_request_id(body), f"bad reply: {error}") from error


def peek(body: bytes) -> tuple[int, str, str]:
    """Request id, message name and job id (if it has one) of a frame's body."""
    try:
        request_id, message = _peek_decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return 0, "", ""
    delivery = message.get("delivery")
    job = message.get("job") or (delivery or {}).get("job") or {}
    return request_id, str(message.get("type", "")), str(message.get("job_id") or job.get("id", ""))


def _request_id(body: bytes) -> int:
    try:
        first = msgspec.msgpack.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return 0
    if isinstance(first, list) and first and type(first[0]) is int:  # a bool is an int too
        return first[0]
    return 0
