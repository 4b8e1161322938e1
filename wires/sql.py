"""What a statement of SQL is called, and why it may be carried out again; of any database."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from .wire import READS, UNGUARDED, Guard, steady, together

WHITE = "\t\r\n"
ALONE = ("BEGIN", "COMMIT", "ROLLBACK", "START TRANSACTION", "WITH")
_TARGET = re.compile(
    r"^\s*(?:--[^\n]*\n\s*)*(insert\s+into|delete\s+from|update|copy|select|with|begin|commit|rollback"
    r"|start\s+transaction|set|create\s+\w+|alter\s+\w+|listen|notify|savepoint|release|show|lock)\b"
    r"(?:\s+(?:only\s+)?([\w.\"`]+))?",
    re.IGNORECASE,
)
_CALLED = re.compile(r"^\s*select\s+((?:[\w.\"]+\s*\(\s*)+)", re.IGNORECASE)
_FROM = re.compile(r"\bfrom\s+(?:only\s+)?([\w.\"`]+)", re.IGNORECASE)
_WRITES = re.compile(r"\b(insert|update|delete|merge|copy|replace)\b", re.IGNORECASE)
_FIRST = re.compile(r"\s*(?:--[^\n]*\n\s*)*(\w+)", re.IGNORECASE)
_PARTS = re.compile(r"(?:[^;']|'(?:[^']|'')*')+")
_STRING = re.compile(r"'(?:[^']|'')*'")
_SETS = re.compile(r"\bset\b(.*?)(?:\bwhere\b|\breturning\b|\bfrom\b|$)", re.IGNORECASE | re.DOTALL)
_CONFLICT = re.compile(r"\bon\s+conflict\b|\bon\s+duplicate\s+key\b", re.IGNORECASE)
_PLAIN = re.compile(
    r"[\s(]*(?:\$\d+|\?|''|-?\d+(?:\.\d+)?|true|false|null|default|(?:excluded|new)\.[\w\"`]+"
    r"|values\s*\([\w\"`\s]+\))(?:::[\w ]+)?[\s);]*",
    re.IGNORECASE,
)
SAME_VALUES = "it sets the same values again"
OTHER_VALUES = "it sets other values each time"
BUILDS = "it builds on the values that it finds"
NO_CONFLICT = "no key of it stops a second row"
NEW_KEY = "its key is another one each time"
GONE = "what is deleted is gone already"


def parts(query: str) -> list[str]:
    """The statements of a text that may hold several."""
    return [part for part in _PARTS.findall(query) if part.strip()]


def statement(query: str) -> str:
    """What it does, and to which table: ``INSERT INTO payments``."""
    found = _TARGET.match(query)
    if not found:
        return steady(query.strip().split(" ")[0].upper())
    verb = " ".join(found[1].upper().split())
    target = found[2] or ""
    if verb in ("SELECT", "WITH"):
        table = _FROM.search(query)
        called = _CALLED.match(query)
        target = f"FROM {table[1]}" if table else _innermost(called[1]) if called else ""
    elif verb in ALONE:
        target = ""
    return f"{verb} {steady(target)}".rstrip()


def _innermost(calls: str) -> str:
    """``unnest(defer_jobs(`` asks for what the inner one does."""
    return f"{calls.rstrip(' (' + WHITE).split('(')[-1].strip()}()"


def guard_of(said: Sequence[tuple[str, bytes]]) -> Guard:
    """Of statements, each with the bytes of its values, that are carried out together."""
    return together([_guard(part, values) for query, values in said for part in parts(query)])


def _guard(query: str, values: bytes) -> Guard:
    text = _STRING.sub("''", query)
    first = _FIRST.match(text)
    verb = first[1].lower() if first else ""
    if verb == "with":  # whatever it prepares, what it writes comes with a verb of its own
        written = _WRITES.search(text)
        verb = written[1].lower() if written else ""
    same = hashlib.sha256(query.encode() + b"\0" + values).hexdigest()[:16]
    match verb:
        case "insert":
            return _of_insert(text, same)
        case "update":
            return _of_setting(text, same)
        case "delete":
            return Guard(GONE, same)
        case "merge" | "copy" | "replace":
            return UNGUARDED
    return READS


def _of_insert(text: str, same: str) -> Guard:
    conflict = _CONFLICT.search(text)
    if conflict is None:
        return Guard(lacks=NO_CONFLICT)
    then = text[conflict.end() :]
    if "update" in then.lower():
        return _of_setting(then, same)
    return Guard(lacks=NEW_KEY)  # what meets a row that is there changes nothing


def _of_setting(text: str, same: str) -> Guard:
    plain = _sets_plainly(text)
    return Guard(SAME_VALUES, same, OTHER_VALUES) if plain else Guard(lacks=BUILDS)


def _sets_plainly(text: str) -> bool:
    """Whether each column is set to a value that was sent, whatever it was before."""
    found = _SETS.search(text)
    clause = found[1] if found else text.lower().partition("update")[2]  # as MySQL has it
    parts = [part.partition("=") for part in clause.split(",")]
    return all(equals and _PLAIN.fullmatch(value) for _, equals, value in parts)
