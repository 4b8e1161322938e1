"""Four small tasks that change the world, in the orders in which people write them down.

They call a payment service or a mail service and write to a PostgreSQL. ``ORDERS`` holds settings
of Celery as JSON; without it nothing is set. It is an app like anybody's: nothing of jobquake is in
it. ``docs/audits.md`` says what breaks if one of its jobs runs twice.
"""

from __future__ import annotations

import json
import os
import time
import urllib.request
from typing import Any

import psycopg
from celery import Celery

app = Celery("orders", broker="redis://localhost:6379/0")
app.conf.worker_concurrency = 2
app.conf.update(json.loads(os.environ.get("ORDERS", "{}")))

DATABASE_URL = os.environ.get("DATABASE_URL", "postgresql://jobquake@localhost:5432/postgres")
PAYMENTS, MAILS = "http://localhost:8475", "http://localhost:8476"


def post(url: str, what: dict[str, Any], **headers: str) -> None:
    """Raises unless it is answered with success within 30 s."""
    request = urllib.request.Request(url, json.dumps(what).encode(), headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        answer.read()


def prepare() -> None:
    """Whatever else has to be done for an order, which takes a moment."""
    time.sleep(0.2)


# charge, then update
@app.task(name="orders.charge_then_update")  # type: ignore[untyped-decorator]
def charge_then_update(order: int) -> None:
    prepare()
    post(f"{PAYMENTS}/charges", {"id": order, "amount": 5})
    with psycopg.connect(DATABASE_URL) as database:
        database.execute("UPDATE orders SET paid = true WHERE id = %s", (order,))


# insert, then charge
@app.task(name="orders.insert_then_charge")  # type: ignore[untyped-decorator]
def insert_then_charge(order: int) -> None:
    prepare()
    with psycopg.connect(DATABASE_URL) as database:
        database.execute("INSERT INTO payments (for_order, amount) VALUES (%s, 5)", (order,))
    post(f"{PAYMENTS}/charges", {"id": order, "amount": 5})


# upsert with a key, then charge with it
@app.task(name="orders.upsert_with_key", bind=True)  # type: ignore[untyped-decorator]
def upsert_with_key(self: Any, order: int) -> None:
    prepare()
    key = f"payment-{self.request.id}"
    with psycopg.connect(DATABASE_URL) as database:
        database.execute(
            "INSERT INTO payments (key, for_order, amount) VALUES (%s, %s, 5)"
            " ON CONFLICT (key) DO NOTHING",
            (key, order),
        )
    post(f"{PAYMENTS}/charges", {"id": order, "amount": 5}, **{"Idempotency-Key": key})


# e-mail, then mark
@app.task(name="orders.mail_then_mark")  # type: ignore[untyped-decorator]
def mail_then_mark(order: int) -> None:
    prepare()
    with psycopg.connect(DATABASE_URL, autocommit=True) as database:
        asked = database.execute("SELECT mailed FROM orders WHERE id = %s", (order,))
        if asked.fetchone() == (False,):
            post(f"{MAILS}/mails", {"id": order, "text": "Your order is on its way."})
            database.execute("UPDATE orders SET mailed = true WHERE id = %s", (order,))


def order_of(number: int) -> list[int]:
    """The arguments of the job of that number: each has an order of its own."""
    return [number + 1]
