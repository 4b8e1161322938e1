"""What others named, made fit for one line of a terminal, a log or an XML file.

Names and sentences may come from a stranger's replay string. Nothing in them may move a cursor,
begin a line of its own, or be taken by a CI server's log reader for a command. What is already
plain stays as it is.
"""

from __future__ import annotations

import re

# Where a line of a log is read for commands: ``::name::`` at its beginning, ``##[name]`` anywhere.
_COMMANDS = re.compile(r"##(?=\[)|^\s*:(?=:)")
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# What turns the direction of the text around it.
_TURNS = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
UNKNOWN = "\ufffd"


def one_line(text: object) -> str:
    """The text on one line: what cannot be printed is shown by its escape."""
    plain = "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in str(text)
    )
    return _COMMANDS.sub(lambda found: found[0] + "\\", plain)


def in_page(text: object) -> str:
    """The text without what a page may not hold; what would turn text around is escaped."""
    return _TURNS.sub(lambda found: found[0].encode("unicode_escape").decode(), in_xml(text))


def in_xml(text: object) -> str:
    """The text without the characters that no XML document may hold, escaped or not."""
    return _NOT_IN_XML.sub(UNKNOWN, str(text))
