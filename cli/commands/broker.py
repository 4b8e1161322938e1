"""The command ``jobquake broker``: the reference queue, served over TCP."""

from __future__ import annotations

import os
from pathlib import Path

import click

from ... import lookup
from ...backends.reference.broker.limits import Limits
from ...errors import EnvironmentFault, UsageError
from ...quantities import SECONDS

SECTION = "serve"
LIMITS = Limits()


@click.command("broker", epilog=LIMITS.sentence())
@click.option(
    "--db", type=click.Path(path_type=Path), required=True, help="SQLite file of the queue."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=7411,
    show_default=True,
    help="Port to listen on; 0 picks a free one.",
)
@click.option(
    "--metrics-host", default="127.0.0.1", show_default=True, help="Address for the metrics."
)
@click.option(
    "--metrics-port",
    type=click.IntRange(0, 65535),
    help="Serve Prometheus metrics on this port; 0 picks a free one.",
)
@click.option("--backend", help="Serve this twin's bug instead of the correct queue.")
@click.option(
    "--retention", "retention_s", type=SECONDS, default="24h", show_default=True,
    help="How long completed jobs and keys are remembered, to detect duplicates.",
)  # fmt: skip
@click.option(
    "--connections", type=click.IntRange(1), default=LIMITS.connections, show_default=True,
    help="Connections at a time; one more is told so, and closed.",
)  # fmt: skip
@click.option(
    "--waiting", type=click.IntRange(1), default=LIMITS.waiting_leases, show_default=True,
    help="Leases that wait for a job at a time; one more is refused.",
)  # fmt: skip
@click.option(
    "--idle", "idle_s", type=SECONDS, default="1h", show_default=True,
    help="Cut off a client that says nothing, and waits for nothing, for so long.",
)  # fmt: skip
def command(
    db: Path,
    host: str,
    port: int,
    metrics_host: str,
    metrics_port: int | None,
    backend: str | None,
    retention_s: float,
    connections: int,
    waiting: int,
    idle_s: float,
) -> None:
    """Serve the reference queue over TCP, stored in one SQLite file.

    Prints 'ready HOST:PORT' when it listens and 'metrics URL' when metrics are served. SIGTERM
    or SIGINT ends it; whatever it has acknowledged survives any other end.

    \b
    Examples:
      jobquake broker --db queue.db
      jobquake broker --db queue.db --port 0 --metrics-port 9464
    """
    import asyncio

    from ...backends.reference.adapter import ReferenceAdapter
    from ...backends.reference.broker.broker import print_ready, serve

    adapter = lookup.backend(backend or "reference")
    if not isinstance(adapter, ReferenceAdapter):
        raise UsageError(
            f"expected a backend built on the reference queue, found {adapter.name!r}; "
            "choose one that 'jobquake list' names"
        )
    metrics = None if metrics_port is None else (metrics_host, metrics_port)
    try:
        limits = LIMITS._replace(connections=connections, waiting_leases=waiting, idle_s=idle_s)
        serving = serve(
            db, host, port, print_ready, adapter.decisions, metrics, retention_s, limits
        )
        asyncio.run(serving)
    except OSError as error:
        # asyncio words a port in use at length; a name that resolves to nothing has no errno.
        number = error.errno or 0
        reason = os.strerror(number) if number > 0 else error.strerror or str(error)
        raise EnvironmentFault(
            f"expected to listen on {host}:{port}, found: {reason}; "
            "choose another --host or --port, port 0 for any free one"
        ) from error
