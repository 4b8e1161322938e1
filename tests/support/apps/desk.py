"""A Celery app of somebody's whose tasks end in ways of their own."""

from __future__ import annotations

import time
from typing import Any

from celery import Celery
from celery.exceptions import Ignore

app = Celery("desk", broker="redis://localhost:6379/0")
app.conf.update(task_acks_late=True, task_reject_on_worker_lost=True)


@app.task(name="desk.file")  # type: ignore[untyped-decorator]
def file(letter: int) -> int:
    time.sleep(0.05)
    return letter


@app.task(name="desk.ignore", bind=True)  # type: ignore[untyped-decorator]
def ignore(self: Any, letter: int) -> None:
    time.sleep(0.05)
    raise Ignore


@app.task(name="desk.hand_on", bind=True)  # type: ignore[untyped-decorator]
def hand_on(self: Any, letter: int) -> None:
    raise self.replace(file.s(letter))
