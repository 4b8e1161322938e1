"""The sink over HTTP: in a thread for a test or a driver, or as the command ``jobquake sink``.

    POST /charges     charge; 201 with the charge, or refused
    GET /charges      [{"id": "order-1", "count": 1}, ...], sorted
    GET /counts       {"requests": 3, "applied": 1, "repeated": 1, "refused": 1, "hanging": 0}

Another path can be named in the place of ``/charges``.

A charge is in the journal and in the ledger before its answer leaves.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Any, Self
from urllib.parse import parse_qsl

import msgspec

from ...errors import EnvironmentFault
from ...protocol.run_files import LEDGER
from ...proxy.address import AddressError
from ...proxy.http import Request, Response
from ...proxy.listener import Listener, settle, stop_signal
from ...proxy.loop_thread import LoopClock, LoopThread
from .journal import Journal
from .payments import Counts, Entry, Payments, SinkBehaviour

JSON = {"Content-Type": "application/json"}
KEY_HEADER, KEY_FIELD, ID_FIELD = "idempotency-key", "idempotency_key", "id"
CHARGES = "/charges"
REASONS = {
    400: f"expected a charge with an {ID_FIELD!r} or an Idempotency-Key, found neither; send one",
    422: "expected a new Idempotency-Key for another charge, found one that was used; make a new "
    "key for each charge",
}


class API:
    """A handler of requests. ``id_field``: the field of a charge that names its work."""

    def __init__(
        self,
        payments: Payments,
        journal: Journal | None,
        id_field: str = ID_FIELD,
        path: str = CHARGES,
    ) -> None:
        self.payments = payments
        self._journal = journal
        self._id_field = id_field
        self._path = path

    async def __call__(self, request: Request) -> Response:
        match request.method, request.path.rstrip("/"):
            case "POST", self._path:
                return await self._charge(request)
            case "GET" | "HEAD", self._path:
                charges = sorted(self.payments.charges.items())
                return _json(200, [{"id": name, "count": count} for name, count in charges])
            case "GET" | "HEAD", "/counts":
                return _json(200, self.payments.counts)
            case _, self._path | "/counts":
                return _error(405, f"expected GET or POST {self._path}, found {request.method}")
        return _error(404, f"expected {self._path} or /counts, found {request.path}")

    async def _charge(self, request: Request) -> Response:
        fields = _fields(request)
        key = request.headers.get(KEY_HEADER, "") or _text(fields.get(KEY_FIELD))
        entry = self.payments.decide(_text(fields.get(self._id_field)) or key, key)
        if self._journal:
            self._journal.append(entry)
        self.payments.take(entry)
        if entry.hangs:
            await asyncio.Event().wait()  # until the sink ends
        if self.payments.behaviour.slow_s:
            await asyncio.sleep(self.payments.behaviour.slow_s)
        return _answer(entry)


def _answer(entry: Entry) -> Response:
    if entry.outcome == "refused":
        return _error(entry.status, REASONS.get(entry.status, "refused, as the sink was told to"))
    answer = _json(entry.status, {"charge": f"ch_{entry.charge}", "id": entry.identifier})
    if entry.outcome == "repeated":
        return Response(
            answer.status, answer.body, {**answer.headers, "Idempotent-Replayed": "true"}
        )
    return answer


def _fields(request: Request) -> dict[str, Any]:
    """The fields of a body in JSON or of a form, whatever type it says it is."""
    with suppress(msgspec.DecodeError):
        body = msgspec.json.decode(request.body)
        return body if isinstance(body, dict) else {}
    return dict(parse_qsl(request.body.decode(errors="replace")))


def _text(value: Any) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _json(status: int, value: Any) -> Response:
    return Response(status, msgspec.json.encode(value) + b"\n", JSON)


def _error(status: int, message: str) -> Response:
    return _json(status, {"error": message})


class Sink:
    """The sink in a thread of this process, as a context: ``with Sink() as sink: sink.url``.

    ``folder`` keeps the journal and the ledger, unless ``ledger`` names another file; a sink on
    the same folder goes on where the last one ended. Without either nothing is kept. ``port`` 0
    is any free one. ``job_of`` and ``clock`` are for the ledger: see :class:`.journal.Journal`;
    ``loop_clock`` is the clock that slow answers go by, if it is not the machine's.
    Raises EnvironmentFault if the port or the folder cannot be had.
    """

    def __init__(
        self,
        behaviour: SinkBehaviour | None = None,
        folder: Path | None = None,
        ledger: Path | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        id_field: str = ID_FIELD,
        path: str = CHARGES,
        job_of: Callable[[str], int] = lambda identifier: -1,
        clock: Callable[[], float] = monotonic,
        loop_clock: LoopClock | None = None,
    ) -> None:
        if folder is None and ledger is not None:
            folder = ledger.parent
        self._journal = (
            Journal(folder, ledger or folder / LEDGER, job_of, clock) if folder else None
        )
        earlier = self._journal.entries if self._journal else ()
        self._payments = Payments(behaviour or SinkBehaviour(), earlier)
        self._listener = Listener(API(self._payments, self._journal, id_field, path))
        self._where = host, port
        self._loop_clock = loop_clock
        self._thread: LoopThread | None = None
        self.url = ""

    @property
    def charges(self) -> Counter[str]:
        """How often each identifier was charged."""
        return self._payments.charges

    @property
    def counts(self) -> Counts:
        """How many requests there were, and what became of them."""
        return self._payments.counts

    def start(self) -> str:
        """Listen; the address, http://HOST:PORT."""
        self._thread = LoopThread("sink", self._loop_clock)
        try:
            self.url = self._thread.run(self.listen())
        except BaseException:
            self.stop()
            raise
        return self.url

    def stop(self) -> None:
        """Close the port and every connection. What was counted can still be read."""
        if self._thread is not None:
            self._thread.run(self.close())
            self._thread.stop()
            self._thread = None

    async def listen(self) -> str:
        """Listen on the loop of whoever awaits this."""
        try:
            return "http://" + await self._listener.start(*self._where)
        except AddressError as error:
            raise EnvironmentFault(
                f"expected a free address, found: {error}; choose another host or port"
            ) from None

    async def close(self) -> None:
        self._listener.stop()
        await settle()
        if self._journal:
            self._journal.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()


async def serve(sink: Sink, ready: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT. Calls ``ready(address)`` once it listens."""
    stopped = stop_signal()
    try:
        ready(await sink.listen())
        await stopped.wait()
    finally:
        await sink.close()
