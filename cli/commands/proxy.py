"""The command ``jobquake proxy``: Toxiproxy's HTTP API, served."""

from __future__ import annotations

from pathlib import Path

import click

from ...errors import EnvironmentFault, UsageError

SECTION = "serve"


@click.command("proxy")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8474,
    show_default=True,
    help="Port to listen on; 0 picks a free one.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of jitter and toxicity.")
@click.option(
    "--config", type=click.Path(path_type=Path), help="JSON file of proxies to start with."
)
@click.option("--proxy-metrics", is_flag=True, help="Count bytes; GET /metrics reports them.")
def command(host: str, port: int, seed: int, config: Path | None, proxy_metrics: bool) -> None:
    """Serve a TCP proxy with Toxiproxy's HTTP API.

    Prints 'ready http://HOST:PORT' when it listens. SIGTERM or SIGINT ends it. In addition to
    Toxiproxy, it takes a seed and can tie a fault to a round trip (/jobquake routes).

    \b
    Example:
      jobquake proxy --port 8474 --seed 7
    """
    import asyncio

    from ...proxy.address import AddressError
    from ...proxy.embedded import ConfigError, serve

    try:
        text = config.read_bytes() if config else None
        asyncio.run(serve(host, port, _say_ready, seed, text, proxy_metrics))
    except (ConfigError, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        wanted = f"expected a JSON list of proxies in {config}"
        raise UsageError(f"{wanted}, found: {reason}; correct it or name another file") from error
    except AddressError as error:
        raise EnvironmentFault(
            f"expected a free address, found: {error}; choose another --host or --port"
        ) from None


def _say_ready(address: str) -> None:
    click.echo(f"ready {address}")
