"""The commands that serve and look around: ``broker``, ``proxy`` and ``doctor``. Thin."""

from __future__ import annotations

import os
from pathlib import Path

import click

from . import lookup as names
from .cli_capacity import SECONDS
from .experiments import ENVIRONMENT, Fault


@click.command("doctor")
@click.option("--start", is_flag=True, help="Start and stop each server that is here, too.")
@click.option("--json", "as_json", is_flag=True, help="Findings as JSON on standard output.")
def doctor_command(start: bool, as_json: bool) -> int:
    """Say what of all that jobquake can use is here, and how to get the rest.

    Each thing is tried. Exits 0 if a run that asks for nothing special can be had here,
    and every server started; 3 if not.
    """
    import msgspec

    from .reports import health, terminal
    from .servers import doctor

    examined = doctor.examine(start)
    if as_json:
        click.echo(msgspec.json.encode(examined))
    else:
        health.tell(examined, terminal.console())
    return 0 if doctor.fit(examined) else ENVIRONMENT


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
def broker_command(
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

    from .backends.adapter import Unavailable
    from .backends.reference.adapter import ReferenceAdapter
    from .backends.reference.broker.broker import print_ready, serve

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


@click.command("proxy")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=8474, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True, help="Of jitter and toxicity.")
@click.option("--config", type=click.Path(path_type=Path), help="Proxies to begin with, JSON.")
@click.option("--proxy-metrics", is_flag=True, help="Count bytes; GET /metrics tells them.")
def proxy_command(
    host: str, port: int, seed: int, config: Path | None, proxy_metrics: bool
) -> None:
    """Serve Toxiproxy's HTTP API, with triggers and a seed; port 0 picks a free one.

    Prints 'ready http://HOST:PORT' when it listens. Ends on SIGTERM or SIGINT.
    """
    import asyncio

    from .proxy.address import AddressError
    from .proxy.embedded import ConfigError, serve

    try:
        text = config.read_bytes() if config else None
        asyncio.run(serve(host, port, _say_ready, seed, text, proxy_metrics))
    except (ConfigError, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        wanted = f"expected a JSON list of proxies in {config}"
        raise Fault(f"{wanted}, found: {reason}; mend it or name another") from error
    except AddressError as error:
        raise Fault(f"expected a free address, found: {error}; name another", ENVIRONMENT) from None


def _say_ready(address: str) -> None:
    click.echo(f"ready {address}")
