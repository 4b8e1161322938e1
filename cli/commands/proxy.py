"""The command ``jobquake proxy``: Toxiproxy's HTTP API, served."""

from __future__ import annotations

from pathlib import Path

import click

from ...fault import ENVIRONMENT, Fault

SECTION = "serve"


@click.command("proxy")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=8474, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True, help="Of jitter and toxicity.")
@click.option("--config", type=click.Path(path_type=Path), help="Proxies to begin with, JSON.")
@click.option("--proxy-metrics", is_flag=True, help="Count bytes; GET /metrics tells them.")
def command(host: str, port: int, seed: int, config: Path | None, proxy_metrics: bool) -> None:
    """Serve Toxiproxy's HTTP API, with triggers and a seed; port 0 picks a free one.

    Prints 'ready http://HOST:PORT' when it listens. Ends on SIGTERM or SIGINT.
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
        raise Fault(f"{wanted}, found: {reason}; mend it or name another") from error
    except AddressError as error:
        raise Fault(f"expected a free address, found: {error}; name another", ENVIRONMENT) from None


def _say_ready(address: str) -> None:
    click.echo(f"ready {address}")
