"""Drive a Toxiproxy server, embedded or real, through the package ``toxiproxy-python``.

The package speaks to one server per process, waits for ever, lets ``HTTP_PROXY`` come
between, takes an answer of 500 for success and cannot change what exists. Here each
:class:`Toxiproxy` has an API consumer of its own, every answer is read, and what the server
said is what a :class:`Proxy` shows. Nothing in here knows jobs or plans.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from ..errors import EnvironmentFault

TIMEOUT_S = 30.0  # the real server gives up on a request of its own after 25 s
LISTEN = "127.0.0.1:0"


class ToxiproxyError(EnvironmentFault):
    """The server did not do what it was asked; the message says what and why.

    ``status`` is the HTTP status of its answer, None if no answer came.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Toxic:
    """One toxic as the server described it; ``stream`` is upstream or downstream."""

    name: str
    type: str
    stream: str
    toxicity: float
    attributes: Mapping[str, int]


class Toxiproxy:
    """The server whose API answers at ``url``, such as ``http://127.0.0.1:8474``.

    Every method raises :class:`ToxiproxyError` if the server refuses, or does not answer
    within ``timeout_s`` seconds. Any number of these may be used side by side and by many
    threads: they share nothing.
    """

    def __init__(self, url: str, timeout_s: float = TIMEOUT_S) -> None:
        self._api = _Api(url, timeout_s)
        self.url = self._api.url

    def version(self) -> str:
        """The server's version, such as ``2.12.0``."""
        answer = self._api.get("/version", "tell its version")
        if not isinstance(answer, dict) or not isinstance(answer.get("version"), str):
            raise ToxiproxyError(
                f"expected {self.url} to tell the version of a Toxiproxy, found {answer!r:.80}; "
                "give the address of its API"
            )
        return str(answer["version"])

    def create(self, name: str, upstream: str, listen: str = LISTEN) -> Proxy:
        """A new proxy from ``listen`` (port 0 picks a free one) to ``upstream``, enabled."""
        wanted = {"name": _addressable(name), "upstream": upstream, "listen": listen}
        return Proxy(self._api, self._api.post("/proxies", wanted, f"create the proxy {name!r}"))

    def populate(self, proxies: Iterable[Mapping[str, Any]]) -> list[Proxy]:
        """Make it so that all these proxies exist; each has ``name`` and ``upstream``.

        ``listen`` and ``enabled`` may be given. The server keeps a proxy that listens and
        leads where it should, with its toxics and connections, and replaces one that does
        not. After an error those before the one at fault exist.
        """
        wanted = [{"listen": LISTEN, **proxy} for proxy in proxies]
        for proxy in wanted:
            _addressable(str(proxy.get("name", "")))
        answer = self._api.post("/populate", wanted, "populate its proxies")
        return [Proxy(self._api, told) for told in answer["proxies"] or []]

    def proxies(self) -> dict[str, Proxy]:
        """All proxies by name."""
        told = self._api.get("/proxies", "list its proxies")
        return {name: Proxy(self._api, one) for name, one in told.items()}

    def reset(self) -> None:
        """Remove every toxic and enable every proxy."""
        self._api.post("/reset", None, "reset")


class Proxy:
    """One proxy of a server: made by :class:`Toxiproxy`, never by hand.

    ``listen``, ``upstream`` and ``enabled`` are what the server last said. They are read
    again after an error, since a server may have done half of what it was asked.
    """

    def __init__(self, api: _Api, told: Mapping[str, Any]) -> None:
        self._api = api
        self.name: str = told["name"]
        self._path = f"/proxies/{quote(self.name, safe='')}"
        self._show(told)

    def __repr__(self) -> str:
        state = "enabled" if self.enabled else "disabled"
        return f"<Proxy {self.name!r} {self.listen} -> {self.upstream} {state}>"

    def _show(self, told: Mapping[str, Any]) -> None:
        self.listen: str = told["listen"]
        self.upstream: str = told["upstream"]
        self.enabled: bool = told["enabled"]

    def refresh(self) -> None:
        """Ask the server how the proxy is now."""
        self._show(self._api.get(self._path, f"show the proxy {self.name!r}"))

    def update(self, **changes: Any) -> None:
        """Change ``upstream``, ``listen`` or ``enabled``; connections end if the way changes."""
        try:
            told = self._api.post(self._path, changes, f"change the proxy {self.name!r}")
        except ToxiproxyError as error:
            if error.status is not None and error.status >= 500:
                self.refresh()
            raise
        self._show(told)

    def enable(self) -> None:
        """Listen again, on the same port."""
        self.update(enabled=True)

    def disable(self) -> None:
        """Stop listening and end every connection; the toxics stay."""
        self.update(enabled=False)

    @contextmanager
    def down(self) -> Iterator[Proxy]:
        """Disabled within the block, enabled after it, whatever happens there."""
        self.disable()
        try:
            yield self
        finally:
            self.enable()

    def destroy(self) -> None:
        """End its connections and remove it."""
        self._api.delete(self._path, f"destroy the proxy {self.name!r}")

    def toxics(self) -> list[Toxic]:
        """All of them, those of the upstream first, each stream in the order of adding."""
        told = self._api.get(f"{self._path}/toxics", f"list the toxics of {self.name!r}")
        return [Toxic(**one) for one in told]

    def add_toxic(
        self,
        type: str,
        *,
        stream: str = "downstream",
        toxicity: float = 1.0,
        name: str | None = None,
        **attributes: int,
    ) -> Toxic:
        """Add a toxic at the end of ``stream`` ("upstream" is from client to server).

        ``toxicity`` is the share of connections that it strikes. Without ``name`` it is
        called ``TYPE_STREAM``. ``attributes`` are the type's own, times in milliseconds
        unless it says otherwise. Live connections get it, too.
        """
        name = _addressable(name or f"{type}_{stream}")
        wanted: dict[str, Any] = {"name": name, "type": type, "stream": stream}
        wanted |= {"toxicity": toxicity, "attributes": attributes}
        doing = f"add the toxic {name!r} to {self.name!r}"
        return Toxic(**self._api.post(f"{self._path}/toxics", wanted, doing))

    def update_toxic(self, name: str, *, toxicity: float | None = None, **attributes: int) -> Toxic:
        """Change these attributes of a toxic, on live connections, too; others stay."""
        wanted: dict[str, Any] = {"attributes": attributes}
        if toxicity is not None:
            wanted["toxicity"] = toxicity
        doing = f"change the toxic {name!r} of {self.name!r}"
        return Toxic(**self._api.post(self._toxic(name), wanted, doing))

    def remove_toxic(self, name: str) -> None:
        """Remove a toxic; what it held back is let go. Removing a timeout ends connections."""
        self._api.delete(self._toxic(name), f"remove the toxic {name!r} of {self.name!r}")

    def _toxic(self, name: str) -> str:
        return f"{self._path}/toxics/{quote(_addressable(name), safe='')}"


class _Api:
    """The package's API consumer, bound to one server, and every answer of it judged."""

    def __init__(self, url: str, timeout_s: float) -> None:
        # Only here, so that importing the harness does not load an HTTP client.
        from toxiproxy.api import APIConsumer

        host, port = _host_and_port(url)
        self.url = f"http://{host}:{port}"
        # Its methods read the address from the class: a class for each server.
        self._consumer: Any = type("Consumer", (APIConsumer,), {"host": host, "port": port})
        self._options = {"timeout": timeout_s, "proxies": {"no_proxy": host.strip("[]")}}

    def get(self, path: str, doing: str) -> Any:
        return self._judged(doing, self._consumer.get, path)

    def post(self, path: str, body: object, doing: str) -> Any:
        return self._judged(doing, self._consumer.post, path, json=body)

    def delete(self, path: str, doing: str) -> Any:
        return self._judged(doing, self._consumer.delete, path)

    def _judged(self, doing: str, call: Any, path: str, **body: object) -> Any:
        import requests
        from toxiproxy import exceptions

        refusals = {exceptions.InvalidToxic: 400, exceptions.NotFound: 404}
        refusals |= {exceptions.ProxyExists: 409}
        try:
            answer = call(path, **body, **self._options)
            status, content = answer.status_code, answer.content
            if status == 204:
                return None
            if status < 300:
                return answer.json()
        except tuple(refusals) as refusal:
            status, content = refusals[type(refusal)], refusal.args[0]
        except requests.exceptions.JSONDecodeError:
            pass  # something answers there, but no Toxiproxy does
        except requests.RequestException as error:
            raise ToxiproxyError(
                f"expected the Toxiproxy at {self.url} to {doing}, found no answer: "
                f"{_reason(error)}; see whether it runs and whether this is its API's address"
            ) from None
        raise ToxiproxyError(
            f"expected the Toxiproxy at {self.url} to {doing}, found its answer {status}: "
            f"{_said(content)}",
            status,
        )


def _host_and_port(url: str) -> tuple[str, int]:
    """Raises :class:`ToxiproxyError` unless ``url`` is a server's root over plain HTTP."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        parts, host, port = urlsplit(""), None, None
    if parts.scheme != "http" or not host or port is None or parts.path not in ("", "/"):
        raise ToxiproxyError(
            f"expected the address of a Toxiproxy such as http://127.0.0.1:8474, found {url!r}; "
            "give scheme, host and port, and nothing more"
        )
    return (f"[{host}]" if ":" in host else host), port


def _addressable(name: str) -> str:
    """A server accepts any name, but has no way to reach some of them ever again."""
    if not name or "/" in name or name in (".", ".."):
        raise ToxiproxyError(
            f"expected a name that can stand in a path of the API, found {name!r}; "
            'choose one without "/" that is neither empty, "." nor ".."'
        )
    return name


def _said(content: bytes) -> str:
    """The server's own words in an answer that refuses, or the start of what came instead."""
    import json

    try:
        return str(json.loads(content)["error"])
    except (ValueError, KeyError, TypeError):
        return repr(content[:80].decode(errors="replace"))


def _reason(error: BaseException) -> str:
    """The innermost cause, which is where the operating system says what happened."""
    while inner := (error.__cause__ or error.__context__):
        error = inner
    return str(error) or type(error).__name__
