"""The metrics page of any queue that answers Measure, and a thread that serves it.

``page_of`` is for whoever has an event loop and lives in the queue's process, ``exported``
for whoever has neither, such as a long run that looks at a queue from outside. Needs the
Prometheus client, imported only when one of them is called.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ...protocol.commands import Measured, QueueError, Reply, Unanswered
from ..adapter import Unavailable
from .endpoint import PATIENCE_S, PLAIN, Endpoint, Page
from .families import Family, families

if TYPE_CHECKING:
    from prometheus_client import Metric

Measure = Callable[[], Reply | None]
More = Callable[[], Iterable[Family]]
SHARE = 0.1
NO_ANSWER = Page("503 Service Unavailable", PLAIN, b"the queue did not answer\n")


def page_of(measure: Measure, more: More | None = None) -> Callable[[], Page]:
    """The page of a queue, measured when the page is asked for.

    ``measure()`` gives Measured; anything else, and an error of a queue, makes a page of status
    503, which Prometheus takes for a scrape that failed. A measurement is used again until
    ten times as long has passed as it took, so that no number of scrapes holds the queue
    up for more than a tenth of its time. ``more()`` gives families to tell besides, whether
    the queue answers or not. Raises Unavailable without the Prometheus client.
    """
    try:
        from prometheus_client import CollectorRegistry
        from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
    except ImportError as missing:
        raise Unavailable(
            "expected the Prometheus client for Python, found none; install jobquake[prometheus]"
        ) from missing
    last, fresh_until = NO_ANSWER, 0.0

    def page() -> Page:
        nonlocal last, fresh_until
        asked_at = time.monotonic()
        if asked_at < fresh_until:
            return last
        try:
            measured = measure()
        except (Unanswered, QueueError, Unavailable):
            measured = None
        shown = families(measured) if isinstance(measured, Measured) else []
        if more:
            shown += more()
        if more or isinstance(measured, Measured):
            registry = CollectorRegistry(auto_describe=False)
            registry.register(_Collector(shown))
            last = Page("200 OK", CONTENT_TYPE_LATEST, generate_latest(registry))
        else:
            last = NO_ANSWER
        now = time.monotonic()
        fresh_until = now + (now - asked_at) / SHARE
        return last

    return page


@contextmanager
def exported(
    measure: Measure, port: int = 0, host: str = "127.0.0.1", more: More | None = None
) -> Iterator[str]:
    """Serve the metrics page until the end of the block; gives its address.

    ``measure`` is called in a thread of its own, one call at a time, and should answer or
    give up within seconds: a connection with a timeout does, as in ``lambda:
    connection.attempt(Measure())``, if nobody else uses it; one on a SQLite file must be
    made by ``measure`` itself, for it belongs to its thread. ``more`` is as in :func:`page_of`.
    Raises Unavailable if the port cannot be had, and without the Prometheus client.
    """
    page = page_of(measure, more)
    started: Future[tuple[str, Callable[[], object]]] = Future()

    async def serve() -> None:
        endpoint, stopped = Endpoint(page), asyncio.Event()
        loop = asyncio.get_running_loop()
        try:
            address = await endpoint.start(host, port)
        except Unavailable as error:
            started.set_exception(error)
            return
        started.set_result((address, lambda: loop.call_soon_threadsafe(stopped.set)))
        await stopped.wait()
        await endpoint.stop()

    thread = threading.Thread(target=asyncio.run, args=(serve(),), name="metrics", daemon=True)
    thread.start()
    address, stop = started.result()
    try:
        yield address
    finally:
        stop()
        thread.join(PATIENCE_S)


class _Collector:
    """Families in the Prometheus client's words."""

    def __init__(self, shown: Iterable[Family]) -> None:
        self._shown = shown

    def collect(self) -> Iterable[Metric]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        kinds = {"counter": CounterMetricFamily, "gauge": GaugeMetricFamily}
        for family in self._shown:
            metric = kinds[family.kind](family.name, family.help, labels=family.labels)
            for labels, value in family.samples.items():
                metric.add_metric(labels, value)
            yield metric
