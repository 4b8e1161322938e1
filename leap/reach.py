"""Which programs leaping time reaches: those that read the clock through glibc, by dynamic linking.

A library that is preloaded is passed over by static programs, by those on another libc (musl), by
those of Go, which ask the kernel themselves, and by those that become somebody else when they
start (setuid). They are told by their file, before the run.
"""

from __future__ import annotations

import os
import shutil
import stat
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

PT_INTERP = 3
ELF_64_LITTLE = b"\x7fELF\x02\x01"
HEADER = struct.Struct("<16x H H I Q Q Q I H H H H H H")
PROGRAM = struct.Struct("<I I Q Q Q Q Q Q")
SECTION = struct.Struct("<I I Q Q Q Q I I Q Q")
GO_SECTION = b".go.buildinfo"
NOT_FOUND = "it was not found"
CAPABILITIES = "security.capability"


class _Elf(NamedTuple):
    interpreter: str
    sections: frozenset[bytes]


def out_of_reach(program: str | Path) -> str | None:
    """Why leaping time does not reach that program, found on PATH; None if it does.

    A script is as good as its interpreter. What a program starts later is seen only then.
    """
    found = shutil.which(str(program))
    if found is None:
        return NOT_FOUND
    path = Path(found).resolve()
    for _ in range(4):  # a script's interpreter may be a script
        reason = _rights(path)
        if reason:
            return reason
        with path.open("rb") as file:
            first = file.readline(4096)
        if not first.startswith(b"#!"):
            return _judge(path.read_bytes())
        words = first[2:].decode(errors="replace").split()
        if words and Path(words[0]).name == "env" and len(words) > 1:
            words = [word for word in words[1:] if not word.startswith("-") and "=" not in word]
        interpreter = shutil.which(words[0]) if words else None
        if interpreter is None:
            return "its interpreter was not found"
        path = Path(interpreter).resolve()
    return "its interpreters are scripts without an end"


def _rights(path: Path) -> str | None:
    if path.stat().st_mode & (stat.S_ISUID | stat.S_ISGID):
        return "it is setuid, and the loader preloads nothing into such programs"
    try:
        os.getxattr(path, CAPABILITIES)
    except OSError:
        return None
    return "its file has capabilities, and the loader preloads nothing into such programs"


def _judge(content: bytes) -> str | None:
    if not content.startswith(b"\x7fELF"):
        return "it is no program for Linux"
    if not content.startswith(ELF_64_LITTLE):
        return "it is no program for a 64-bit little-endian machine"
    elf = _read(content)
    if GO_SECTION in elf.sections:
        return "it is a Go program, which reads the kernel's clock itself"
    if not elf.interpreter:
        return "it is linked statically, so nothing can be preloaded into it"
    if "ld-linux" not in elf.interpreter:
        return f"it is linked against another libc than glibc ({elf.interpreter})"
    return None


def _read(content: bytes) -> _Elf:
    try:
        (_, _, _, _, programs_at, sections_at, _, _, _, programs, _, sections, names) = (
            HEADER.unpack_from(content)
        )
        interpreter = ""
        for number in range(programs):
            kind, _, offset, _, _, size, _, _ = PROGRAM.unpack_from(
                content, programs_at + number * PROGRAM.size
            )
            if kind == PT_INTERP:
                interpreter = content[offset : offset + size].rstrip(b"\0").decode()
        return _Elf(interpreter, frozenset(_sections(content, sections_at, sections, names)))
    except struct.error:  # cut off: the loader will say so
        return _Elf("", frozenset())


def _sections(content: bytes, at: int, count: int, names: int) -> Iterator[bytes]:
    if not count:
        return
    table = SECTION.unpack_from(content, at + names * SECTION.size)[4]
    for number in range(count):
        start = table + SECTION.unpack_from(content, at + number * SECTION.size)[0]
        yield content[start : content.index(b"\0", start)]
