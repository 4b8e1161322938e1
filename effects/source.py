"""Who knows what jobs did: a function of the team's, a query, an endpoint, the sink, or nobody.

:func:`parse` reads the text of ``--effects``. Each kind says in ``counted`` what exactly it
counts, since a count is only as good as that: a unique column shows one row where two charges
went out.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import ClassVar
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from msgspec import Struct

from ..errors import UsageError
from ..servers.source import shown
from . import sql
from .app import App, AppProcess
from .counted import counted
from .endpoint import listed_at

FUNCTION = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")
SQL = re.compile(r"sql:(?P<url>\S+?)[:\s]\s*(?P<query>(select|with|table|values)\b.*)", re.I | re.S)
FORMS = (
    "MODULE:FUNCTION, http://..., postgresql://...?query=SELECT..., sql:URL:SELECT ..., sink, "
    "or none"
)


class Function(Struct, frozen=True, tag="function"):
    """A function of the app, ``module:function``, that returns identifiers."""

    name: str

    @property
    def counted(self) -> str:
        return f"the identifiers that {self.name} returned"

    def count(self, app: App, sink_url: str = "") -> Counter[str]:
        """How often each identifier happened. Raises UsageError and NoAnswer."""
        with AppProcess(app) as process:
            return counted(process.ask(self.name), self.name)


class Query(Struct, frozen=True, tag="query"):
    """A query on PostgreSQL or SQLite; the first column is the identifier, each row one effect.

    A second column of the name ``count`` says how often instead.
    """

    url: str
    query: str

    @property
    def counted(self) -> str:
        return (
            f"the rows of {' '.join(self.query.split())}, by their first column; a unique column "
            "shows one row where two effects happened"
        )

    def count(self, app: App, sink_url: str = "") -> Counter[str]:
        """How often each identifier happened. Raises UsageError and NoAnswer."""
        return sql.counts(self.url, self.query, app.folder)


class Endpoint(Struct, frozen=True, tag="endpoint"):
    """A URL that answers with identifiers as JSON."""

    url: str

    @property
    def counted(self) -> str:
        return f"the identifiers that {shown(self.url)} listed"

    def count(self, app: App, sink_url: str = "") -> Counter[str]:
        """How often each identifier happened. Raises NoAnswer."""
        return listed_at(self.url)


class SinkCharges(Struct, frozen=True, tag="sink"):
    """The charges that jobquake's own sink applied; ``sink_url`` is where it listens."""

    counted: ClassVar[str] = "the charges that the sink applied"

    def count(self, app: App, sink_url: str = "") -> Counter[str]:
        """How often each identifier was charged. Raises NoAnswer."""
        return listed_at(f"{sink_url}/charges")


class NotCounted(Struct, frozen=True, tag="none"):
    """Nobody knows."""

    counted: ClassVar[str] = "effects were not counted: only what the job's function did was seen"

    def count(self, app: App, sink_url: str = "") -> Counter[str]:
        """Nothing."""
        return Counter()


Source = Function | Query | Endpoint | SinkCharges | NotCounted


def parse(text: str) -> Source:
    """The source that ``text`` names, in one of :data:`FORMS`. Raises UsageError."""
    match text.partition(":")[0].strip().lower():
        case "none" | "":
            return NotCounted()
        case "sink" if text.strip().lower() == "sink":
            return SinkCharges()
        case "http" | "https":
            if not urlsplit(text).netloc:
                raise _unreadable(text)
            return Endpoint(text)
        case "sql":
            if not (matched := SQL.fullmatch(text.strip())):
                raise _unreadable(text)
            return _query(matched["url"], matched["query"], text)
        case scheme if scheme.partition("+")[0] in sql.SCHEMES and "://" in text:
            return _query(*_taken(text), text)
    if FUNCTION.fullmatch(text):
        return Function(text)
    raise _unreadable(text)


def _taken(text: str) -> tuple[str, str]:
    """The URL without its parameter ``query``, and that."""
    parts = urlsplit(text)
    parameters = dict(parse_qsl(parts.query))
    query = parameters.pop("query", "")
    rest = urlunsplit(parts._replace(query=urlencode(parameters)))
    # urlunsplit drops the empty host of a scheme that it does not know
    return rest if "://" in rest else rest.replace(":", "://", 1), query


def _query(url: str, query: str, text: str) -> Query:
    if not query or url.partition("+")[0].partition(":")[0] not in sql.SCHEMES:
        raise _unreadable(text)
    return Query(url, query)


def _unreadable(text: str) -> UsageError:
    return UsageError(f"expected effects as {FORMS}, found {shown(text)!r}; write one of these")
