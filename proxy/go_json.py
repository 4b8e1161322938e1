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
from typing import Any

from .go_syntax import JSONError, first_value

INT64 = range(-(2**63), 2**63)
KINDS = {bool: "bool", str: "string", list: "array", dict: "object"}
ESCAPED = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
NOT_UTF8 = re.compile("[\udc80-\udcff]")  # what stands for bytes that are not


class Number(str):
    """A number as it was written."""


def decode(body: bytes) -> Any:
    """The first value in ``body``, numbers as Number. Raises JSONError."""
    text = NOT_UTF8.sub("\ufffd", first_value(body).decode("utf-8", "surrogateescape"))
    try:
        return json.loads(text, parse_float=Number, parse_int=Number)
    except RecursionError as error:
        raise JSONError("invalid character '[' exceeded max depth") from error


def fields(value: Any, types: Mapping[str, str], go_type: str) -> dict[str, Any]:
    """Those fields that the object has, by their last names.

    ``types`` says what each is (string, bool, int64, float32 or any), by the place that Go's
    errors give it: ``Proxy.name``. ``go_type`` is what they call the object. Raises JSONError.
    """
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise JSONError(f"{refusal(value)} {go_type}")
    places = {place.rpartition(".")[2]: place for place in types}
    found: dict[str, Any] = {}
    for key, given in value.items():
        name = key.lower()
        if name in places and given is not None:
            found[name] = _convert(given, types[places[name]], places[name])
    return found


def refusal(value: Any) -> str:
    """The beginning of Go's complaint about a value of the wrong kind."""
    return f"json: cannot unmarshal {_kind(value)} into Go"


def encode(value: Any) -> bytes:
    """Go's compact form: no spaces, keys as they come, <, > and & escaped."""
    return _text(value).encode("utf-8", "replace")


def float32(value: float) -> float:
    """Rounded as Go stores it. Raises OverflowError."""
    return float(struct.unpack("<f", struct.pack("<f", value))[0])


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
