"""JSON as Go's encoding/json reads and writes it, so far as Toxiproxy's clients can see it.

Reading is lenient: keys in any case, unknown keys and whatever follows the first value are
ignored, null leaves a field as it was. What is wrong is told in Go's words.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NoReturn

INT64 = range(-(2**63), 2**63)
KINDS = {bool: "bool", str: "string", list: "array", dict: "object"}
LITERALS = ("true", "false", "null")
ESCAPED = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
COMPLAINTS = {
    "Expecting value": "looking for beginning of value",
    "Expecting property name": "looking for beginning of object key string",
    "Illegal trailing comma before end of object": "looking for beginning of object key string",
    "Illegal trailing comma before end of array": "looking for beginning of value",
    "Expecting ':'": "after object key",
    "Invalid control character": "in string literal",
    "Invalid \\escape": "in string escape code",
    "Invalid \\u": "in \\u hexadecimal character escape",
}


class JSONError(Exception):
    """The text is no JSON, or not of the expected shape; in Go's words."""


class Number(str):
    """A number as it was written."""


def decode(body: bytes) -> Any:
    """The first value in ``body``, numbers as Number. Raises JSONError."""
    text = body.decode("utf-8", "replace").lstrip(" \t\r\n")
    if not text:
        raise JSONError("EOF")
    decoder = json.JSONDecoder(parse_float=Number, parse_int=Number, parse_constant=_constant)
    try:
        value, _ = decoder.raw_decode(text)
    except json.JSONDecodeError as error:
        raise JSONError(_complaint(text, error)) from error
    except RecursionError as error:
        raise JSONError("exceeded max depth") from error
    return value


def fields(value: Any, types: Mapping[str, str], struct: str, go_type: str) -> dict[str, Any]:
    """Those of ``types`` (name: string, bool, int64, float32 or any) that the object has.

    ``struct`` and ``go_type`` are what Go's errors call the place. Raises JSONError.
    """
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise JSONError(f"{refusal(value)} {go_type}")
    found: dict[str, Any] = {}
    for key, given in value.items():
        name = key.lower()
        if name in types and given is not None:
            found[name] = _convert(given, types[name], f"{struct}.{name}")
    return found


def refusal(value: Any) -> str:
    """The beginning of Go's complaint about a value of the wrong kind."""
    return f"json: cannot unmarshal {_kind(value)} into Go"


def encode(value: Any) -> bytes:
    """Go's compact form: no spaces, keys as they come, <, > and & escaped."""
    return _text(value).encode("utf-8", "replace")


def float32(value: float) -> float:
    """Rounded as Go stores it. Raises OverflowError."""
    return float(struct.unpack("f", struct.pack("f", value))[0])


def _convert(given: Any, wanted: str, place: str) -> Any:
    number = isinstance(given, Number)
    if wanted == "any":
        return given
    if wanted == "string" and isinstance(given, str) and not number:
        return re.sub("[\ud800-\udfff]", "\ufffd", given)
    if wanted == "bool" and isinstance(given, bool):
        return given
    if wanted == "int64" and number:
        if re.fullmatch(r"-?\d{1,19}", given) and int(given) in INT64:
            return int(given)
    elif wanted == "float32" and number:
        try:
            return float32(float(given))
        except OverflowError:
            pass
    shown = f"number {given}" if number and wanted in ("int64", "float32") else _kind(given)
    raise JSONError(f"json: cannot unmarshal {shown} into Go struct field {place} of type {wanted}")


def _kind(value: Any) -> str:
    return "number" if isinstance(value, Number) else KINDS[type(value)]


def _complaint(text: str, error: json.JSONDecodeError) -> str:
    rest = text[error.pos :]
    if error.msg.startswith("Illegal trailing comma"):
        rest = rest[1:].lstrip()
    if error.msg.startswith("Invalid \\"):
        rest = rest.lstrip("\\u0123456789abcdefABCDEF")
    cut_short = any(literal.startswith(rest) for literal in LITERALS)
    if cut_short or error.msg.startswith("Unterminated"):
        return "unexpected EOF"
    where = next((go for msg, go in COMPLAINTS.items() if error.msg.startswith(msg)), None)
    if where is None:  # a delimiter is missing: after an element or after a pair
        where = _after(text, error.pos)
    shown = {"'": "\\'", '"': '"'}.get(rest[0], repr(rest[0])[1:-1])
    return f"invalid character '{shown}' {where}"


def _after(text: str, position: int) -> str:
    """What the missing comma stood in: found by looking for the bracket that is open."""
    plain = re.sub(r'"(?:[^"\\]|\\.)*"', lambda match: "_" * len(match[0]), text[:position])
    depth = 0
    for character in reversed(plain):
        depth += (character in "]}") - (character in "[{")
        if depth < 0:
            return "after array element" if character == "[" else "after object key:value pair"
    return "after top-level value"


def _constant(text: str) -> NoReturn:
    raise JSONError(f"invalid character '{text.lstrip('-')[0]}' looking for beginning of value")


def _text(value: Any) -> str:
    if isinstance(value, dict):
        pairs = (f"{_text(str(key))}:{_text(item)}" for key, item in value.items())
        return "{" + ",".join(pairs) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_text, value)) + "]"
    if isinstance(value, float):
        return _float_text(value)
    text = json.dumps(value, ensure_ascii=False)
    if isinstance(value, str):
        for character, escape in ESCAPED.items():
            text = text.replace(character, escape)
    return text


def _float_text(value: float) -> str:
    """The shortest digits that give the same float32, in Go's choice of notation."""
    digits = next(
        text
        for text in (f"{value:.{precision}g}" for precision in range(1, 18))
        if float32(float(text)) == float32(value)
    )
    if value and not 1e-6 <= abs(value) < 1e21:
        mantissa, _, exponent = f"{Decimal(digits):e}".partition("e")
        sign, power = exponent[0], exponent[1:]
        return f"{mantissa}e{sign}{int(power)}"
    plain = f"{Decimal(digits):f}"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain
