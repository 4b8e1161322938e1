"""Bytes as one word of text that people can copy, whole or recognizably damaged.

base64url of the packed bytes and their checksum. What the bytes mean is none of its business.
"""

from __future__ import annotations

import base64
import binascii
import zlib

from ...errors import UsageError


class ReplayError(UsageError):
    """The text is not a plan. The message says what was expected, what found, what to do."""


def seal(content: bytes) -> str:
    return spell(zlib.compress(content, 9))


def spell(body: bytes) -> str:
    """The text of packed bytes: themselves, and their checksum."""
    sealed = body + zlib.crc32(body).to_bytes(4, "big")
    return base64.urlsafe_b64encode(sealed).decode().rstrip("=")


def unseal(text: str, most: int) -> bytes:
    """What was sealed. Raises :class:`ReplayError` if it is damaged or beyond ``most`` bytes."""
    damaged = ReplayError(
        "expected a whole replay string, found a damaged one (its checksum does not match); "
        "copy it again from the report, without line breaks or missing characters"
    )
    try:
        sealed = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
        body = sealed[:-4]
        # Checks the checksum and the spelling: base64 has several for the same bytes.
        if spell(body) != text:
            raise damaged
        inflater = zlib.decompressobj()
        content = inflater.decompress(body, most)
    except (binascii.Error, ValueError, zlib.error) as error:
        raise damaged from error
    if not inflater.eof:
        raise ReplayError(
            f"expected a plan of at most {most} bytes in the replay string, found a larger "
            "or an unfinished one; copy it again from the report, or make the plan smaller"
        )
    return content
