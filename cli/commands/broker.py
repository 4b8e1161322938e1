"""The command ``jobquake broker``: the reference queue, served over TCP."""

from __future__ import annotations

import os
from pathlib import Path

import click

from ... import lookup as names
from ...fault import ENVIRONMENT, Fault
from ...quantities import SECONDS

SECTION = "serve"


@click.command("broker")
@click.option("--db", type=click.Path(path_type=Path), required=True, help="The queue's file.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=7411, show_default=True)
@click.option("--metrics-host", default="127.0.0.1", show_default=True)
@click.option("--metrics-port", type=click.IntRange(0, 65535), help="Prometheus metrics here.")
@click.option("--backend", help="Whose mistakes to serve; see 'jobquake list'.")
@click.option(
    "--retention", "retention_s", type=SECONDS, default="24h", show_default=True,
    help="How long completed jobs and keys are remembered, and so duplicates known.",
)  # fmt: skip
def command(
    db: Path,
    host: str,
    port: int,
    metrics_host: str,
    metrics_port: int | None,
    backend: str | None,
    retention_s: float,
) -> None:
    """Serve the reference queue over TCP from one SQLite file; port 0 picks a free one.

    Prints 'ready HOST:PORT' when it listens, and 'metrics URL' if Prometheus can read it
    there. Ends on SIGTERM or SIGINT; what it has answered survives any other end.
    """
    import asyncio

    from ...backends.adapter import Unavailable
    from ...backends.reference.adapter import ReferenceAdapter
    from ...backends.reference.broker.broker import print_ready, serve

    adapter = names.backend(backend or "reference")
    if not isinstance(adapter, ReferenceAdapter):
        raise Fault(f"expected a backend built on the reference queue, found {adapter.name!r}")
    metrics = None if metrics_port is None else (metrics_host, metrics_port)
    try:
        asyncio.run(serve(db, host, port, print_ready, adapter.decisions, metrics, retention_s))
    except Unavailable as error:
        raise Fault(str(error), ENVIRONMENT) from error
    except OSError as error:
        # asyncio words a port in use at length; a name that resolves to nothing has no errno.
        number = error.errno or 0
        reason = os.strerror(number) if number > 0 else error.strerror or str(error)
        raise Fault(
            f"expected to listen on {host}:{port}, found: {reason}; "
            "choose another --host or --port, port 0 for any free one",
            ENVIRONMENT,
        ) from error
