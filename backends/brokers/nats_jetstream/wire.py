"""How the messages of NATS are cut: lines, some of which tell the size of what follows."""

from __future__ import annotations

from typing import NamedTuple

END = b"\r\n"
INBOX = "_INBOX.jobquake"
MESSAGES = (b"MSG", b"HMSG")
SENT = (b"PUB", b"HPUB")


class Said(NamedTuple):
    """One message: its line, the words of it, and the headers and the body that follow."""

    line: bytes
    words: list[bytes]
    head: bytes
    body: bytes

    @property
    def word(self) -> bytes:
        return self.words[0].upper() if self.words else b""

    @property
    def reply_to(self) -> bytes:
        """Where an answer goes; empty if nobody waits for one."""
        places = {b"PUB": 2, b"HPUB": 2, b"MSG": 3, b"HMSG": 3}
        sizes = 2 if self.word in (b"HPUB", b"HMSG") else 1
        place = places.get(self.word, 0)
        return self.words[place] if place and len(self.words) - sizes > place else b""


def cut(buffer: bytearray) -> list[bytes]:
    """Take whole messages off the front of ``buffer``, each with what follows its line."""
    messages = []
    while (line := buffer.find(END)) >= 0:
        words, end = bytes(buffer[:line]).split(), line + len(END)
        if words and words[0].upper() in (*MESSAGES, *SENT) and words[-1].isdigit():
            end += int(words[-1]) + len(END)
        if end > len(buffer):
            break
        messages.append(bytes(buffer[:end]))
        del buffer[:end]
    return messages


def parsed(message: bytes) -> Said:
    """The parts of a whole message."""
    line, _, rest = message.partition(END)
    words = line.split()
    rest = rest.removesuffix(END)
    size = int(words[-2]) if words and words[0].upper() in (b"HPUB", b"HMSG") else 0
    return Said(line, words, rest[:size], rest[size:])
