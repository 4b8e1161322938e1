"""A shop on PgQueuer: it charges orders, one at a time. Run by PgQueuer's own worker command."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
from pgqueuer import PgQueuer, Queries
from pgqueuer.db import AsyncpgDriver

SERVICE_S = 60.0


def note(line: str) -> None:
    """Append to the shop's ledger; it is there whatever happens next."""
    file = os.open(os.environ["SHOP_LEDGER"], os.O_WRONLY | os.O_APPEND)
    os.write(file, line.encode() + b"\n")
    os.close(file)


async def connected() -> AsyncpgDriver:
    return AsyncpgDriver(await asyncpg.connect(os.environ["SHOP_BROKER"]))


@asynccontextmanager
async def main() -> AsyncIterator[PgQueuer]:
    """What ``pgq run`` runs."""
    shop = PgQueuer(await connected())

    @shop.entrypoint("charge", concurrency_limit=1)
    async def charge(job: Any) -> None:
        """The first try takes too long for whoever kills its worker meanwhile."""
        order = job.payload.decode()
        again = f"began {order}" in Path(os.environ["SHOP_LEDGER"]).read_text().splitlines()
        note(f"began {order}")
        await asyncio.sleep(0.0 if again else SERVICE_S)
        note(f"charged {order}")

    yield shop


# -- what a client asks -------------------------------------------------------------------


def prepare() -> None:
    """Make PgQueuer's tables."""

    async def install() -> None:
        await Queries(await connected()).install()

    asyncio.run(install())


def submit(order: str) -> None:
    async def enqueue() -> None:
        await Queries(await connected()).enqueue("charge", order.encode())

    asyncio.run(enqueue())


def look() -> list[dict[str, Any]]:
    """The jobs that PgQueuer still has: their state, and for how long nobody has said a word."""

    async def rows() -> list[Any]:
        connection = await asyncpg.connect(os.environ["SHOP_BROKER"])
        return list(
            await connection.fetch(
                "SELECT status::text, extract(epoch FROM now() - heartbeat)::float FROM pgqueuer"
            )
        )

    return [{"status": status, "silent_s": silent_s} for status, silent_s in asyncio.run(rows())]
