"""What a planned job carries: bytes that a queue which takes them for text does not bring back.

They begin and end with a NUL, are no UTF-8, hold every kind of byte where there is room for it,
and differ from job to job, so that whatever is cut, padded, translated or swapped shows.
"""

from __future__ import annotations

from random import Random

HEAD, TAIL = b"\x00\xff", b"\xc3\x28\x00"  # 0xff is never in UTF-8, and 0x28 never after 0xc3


def payload(job_id: str, size: int) -> bytes:
    """``size`` bytes, the same for the same job in every process."""
    if size < len(HEAD) + len(TAIL):
        return (HEAD + TAIL)[:size]
    middle = Random(f"payload {job_id}").randbytes(size - len(HEAD) - len(TAIL))
    return HEAD + middle + TAIL
