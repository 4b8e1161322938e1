"""The command ``jobquake sink``: a payment API that counts what it was asked to charge."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from ...quantities import SECONDS

SECTION = "serve"


@click.command("sink")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8475, show_default=True,
    help="Port to listen on; 0 picks a free one.",
)  # fmt: skip
@click.option(
    "--folder", type=click.Path(path_type=Path, file_okay=False),
    help="Keep charges and ledger here, and go on with what is there; without it nothing is kept.",
)  # fmt: skip
@click.option(
    "--ledger", type=click.Path(path_type=Path, dir_okay=False),
    help="Append the charges to this ledger instead of the folder's own, one row each.",
)  # fmt: skip
@click.option(
    "--id-field", default="id", show_default=True,
    help="Field of a charge that names its work; without the field, the idempotency key does.",
)  # fmt: skip
@click.option(
    "--path", default="/charges", show_default=True, help="Where it is asked to charge.",
)  # fmt: skip
@click.option("--ignore-keys", is_flag=True, help="Charge again for a key that was seen before.")
@click.option(
    "--slow", "slow_s", type=SECONDS, default=0.0,
    help="Wait this long before each answer, such as 200ms; the charge is applied at once.",
)  # fmt: skip
@click.option(
    "--refuse-every", type=click.IntRange(min=0), default=0, metavar="N",
    help="Refuse every N-th request, without a charge; 1 refuses all.",
)  # fmt: skip
@click.option(
    "--refuse-status", type=click.IntRange(400, 599), default=503, show_default=True,
    help="HTTP status of those refusals.",
)  # fmt: skip
@click.option(
    "--hang-every", type=click.IntRange(min=0), default=0, metavar="N",
    help="Never answer every N-th request; 1 answers none.",
)  # fmt: skip
@click.option(
    "--hang", type=click.Choice(["after", "before"]), default="after", show_default=True,
    help="Whether requests without an answer hang after their charge, or before it.",
)  # fmt: skip
def command(
    host: str,
    port: int,
    folder: Path | None,
    ledger: Path | None,
    id_field: str,
    path: str,
    ignore_keys: bool,
    slow_s: float,
    refuse_every: int,
    refuse_status: int,
    hang_every: int,
    hang: Literal["after", "before"],
) -> None:
    """Serve a payment API that counts its charges.

    POST /charges charges, with an Idempotency-Key as header or as the field idempotency_key;
    --path names another one. GET /charges lists the identifiers and how often each was charged,
    GET /counts how many requests were applied, repeated and refused. Prints 'ready
    http://HOST:PORT' when it listens, and the counts at its end. SIGTERM or SIGINT ends it; what it
    has answered survives any other end in --folder.

    \b
    Examples:
      jobquake sink --port 8475
      jobquake sink --folder charges --ignore-keys --hang-every 10
    """
    import asyncio

    from ...effects.sink.payments import SinkBehaviour
    from ...effects.sink.server import Sink, serve

    behaviour = SinkBehaviour(
        not ignore_keys, slow_s, refuse_every, refuse_status, hang_every, hang
    )
    sink = Sink(behaviour, folder, ledger, host=host, port=port, id_field=id_field, path=path)
    asyncio.run(serve(sink, lambda address: click.echo(f"ready {address}")))
    of = sink.counts
    click.echo(
        f"{of.requests} requests: {of.applied} charges applied, {of.repeated} repeated, "
        f"{of.refused} refused; {of.hanging} never answered"
    )
