"""A shop on Celery at its defaults: it charges orders; a receipt follows, or a refund."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery, Task

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


class Booked(Task):
    """Whose handler for success has a mistake in it."""

    def on_success(self, *_: Any) -> None:
        raise RuntimeError("the books are closed")


@app.task(base=Booked, name="shop.charge_and_book")
def charge_and_book(order: str) -> str:
    note(f"charged {order}")
    return order


@app.task(name="shop.receipt")
def receipt(order: str) -> None:
    note(f"receipt {order}")


@app.task(name="shop.refund")
def refund(request: Any, error: BaseException, traceback: Any) -> None:
    note(f"refund {request.id} for {type(error).__name__}")


# -- what a client asks -------------------------------------------------------------------


def submit(order: str, book: bool) -> None:
    """Charge it; a receipt if that succeeds, a refund if it fails."""
    task = charge_and_book if book else charge
    task.apply_async((order,), task_id=order, link=receipt.s(), link_error=refund.s())


def status(order: str) -> str:
    """What the result backend says of it."""
    return str(app.AsyncResult(order).status)
