"""Tasks that call services and write to a database, in several orders of their steps."""

from __future__ import annotations

import os
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from celery import Celery

app = Celery("orders", broker="redis://localhost:6379/0")
app.conf.task_acks_late = True
app.conf.task_reject_on_worker_lost = True
app.conf.worker_prefetch_multiplier = 1
app.conf.worker_concurrency = 1
app.conf.broker_transport_options = {"visibility_timeout": 60}
PAYMENTS = os.environ.get("PAYMENTS_URL", "http://localhost:8475")
ORDERS = "http://localhost:8476"


def post(url: str, method: str = "POST", **headers: str) -> None:
    """Like ``requests.post``: raises for a status that is an error."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    with urllib.request.urlopen(
        urllib.request.Request(url, b'{"amount": 5}', named, method=method), timeout=30
    ) as answer:
        answer.read()


@app.task(name="orders.charge_then_update")  # type: ignore[untyped-decorator]
def charge_then_update(order: int) -> None:
    post(f"{PAYMENTS}/charges")
    post(f"{ORDERS}/orders/{order}/paid")


@app.task(name="orders.charge_with_key", bind=True)  # type: ignore[untyped-decorator]
def charge_with_key(self: object, order: int) -> None:
    post(f"{PAYMENTS}/charges", Idempotency_Key=f"charge-{self.request.id}")  # type: ignore[attr-defined]
    post(f"{ORDERS}/orders/{order}", "PUT")


@app.task(name="orders.mail_then_mark")  # type: ignore[untyped-decorator]
def mail_then_mark(order: int) -> None:
    post(f"{ORDERS}/mails")
    post(f"{ORDERS}/mails/{order}", "PUT")


@contextmanager
def database() -> Iterator[Any]:
    """A connection whose statements are one transaction."""
    import psycopg

    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        yield connection


@app.task(name="orders.insert_then_charge")  # type: ignore[untyped-decorator]
def insert_then_charge(order: int) -> None:
    with database() as connection:
        connection.execute("INSERT INTO payments (amount) VALUES (5)")
    post(f"{PAYMENTS}/charges")


@app.task(name="orders.upsert_with_key", bind=True)  # type: ignore[untyped-decorator]
def upsert_with_key(self: Any, order: int) -> None:
    with database() as connection:
        connection.execute(
            "INSERT INTO payments (work, amount) VALUES (%s, 5) ON CONFLICT DO NOTHING",
            (self.request.id,),
        )


@app.task(name="orders.insert_once")  # type: ignore[untyped-decorator]
def insert_once(order: int) -> None:
    with database() as connection:
        connection.execute("INSERT INTO payments (work, amount) VALUES (%s, 5)", (str(order),))
