"""Identifiers from an HTTP endpoint, as JSON."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections import Counter
from http.client import HTTPException

import msgspec

from ..servers.source import shown
from .app import NoAnswer
from .counted import counted

PATIENCE_S = 30.0


def listed_at(url: str) -> Counter[str]:
    """How often each identifier stands in the answer to GET ``url``. Raises NoAnswer."""
    named = shown(url)
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:
            body = answer.read()
    except urllib.error.HTTPError as error:
        with error:
            raise NoAnswer(_unanswered(named, f"status {error.code}")) from None
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise NoAnswer(_unanswered(named, str(reason) or type(error).__name__)) from None
    try:
        listed = msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise NoAnswer(_unanswered(named, str(error))) from None
    return counted(listed, named)


def _unanswered(url: str, found: str) -> str:
    return f"expected {url} to answer with identifiers as JSON, found: {found}; look at its log"
