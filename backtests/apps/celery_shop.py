"""A shop on Celery at its defaults: it charges orders; a receipt follows, or a refund."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery

app = Celery("shop", broker=os.environ["SHOP_BROKER"], backend=os.environ["SHOP_BROKER"])


def note(line: str) -> None:
    """Append to the shop's ledger; it is there whatever happens next."""
    file = os.open(os.environ["SHOP_LEDGER"], os.O_WRONLY | os.O_APPEND)
    os.write(file, line.encode() + b"\n")
    os.close(file)


@app.task(name="shop.charge")
def charge(order: str) -> str:
    note(f"charged {order}")
    return order


@app.task(name="shop.receipt")
def receipt(order: str) -> None:
    note(f"receipt {order}")


@app.task(name="shop.refund")
def refund(request: Any, error: BaseException, traceback: Any) -> None:
    note(f"refund {request.id} for {type(error).__name__}")


# -- what a client asks -------------------------------------------------------------------


def submit(order: str) -> None:
    """Charge it; a receipt if that succeeds, a refund if it fails."""
    charge.apply_async((order,), task_id=order, link=receipt.s(), link_error=refund.s())


def status(order: str) -> str:
    """What the result backend says of it."""
    return str(app.AsyncResult(order).status)
