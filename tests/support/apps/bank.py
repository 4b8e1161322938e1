"""A Celery app of somebody's whose charges are rows of SQLite, or requests to a payment API."""

from __future__ import annotations

import json
import os
import sqlite3
import urllib.request

from celery import Celery

app = Celery("bank", broker="redis://localhost:6379/0")
app.conf.update(json.loads(os.environ.get("SHOP_SETTINGS", "{}")))


def _books() -> sqlite3.Connection:
    books = sqlite3.connect(os.environ["BANK_BOOKS"], timeout=30)
    books.execute("create table if not exists charges (id text)")
    return books


@app.task(name="bank.charge")  # type: ignore[untyped-decorator]
def charge(order: str) -> None:
    with _books() as books:
        books.execute("insert into charges values (?)", (order,))


@app.task(name="bank.pay")  # type: ignore[untyped-decorator]
def pay(order: str) -> None:
    head = {"Idempotency-Key": order} if os.environ.get("BANK_KEYS") else {}
    body = json.dumps({"id": order}).encode()
    where = os.environ["JOBQUAKE_SINK"] + "/charges"
    urllib.request.urlopen(urllib.request.Request(where, body, head)).read()


def order_of(number: int) -> list[str]:
    return [f"order-{number}"]


def charged() -> list[str]:
    with _books() as books:
        return [str(row[0]) for row in books.execute("select id from charges")]


def nobody_paid_twice() -> bool:
    return len(charged()) == len(set(charged()))
