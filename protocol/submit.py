"""Enqueue what a plan wants with a library's own client. Standard library only.

The program of a framework that calls :func:`submit` is one producer of a run. A client that
raises has told nothing: the job may run all the same, so only a return is an answer. What it
raised is told with the run.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from threading import Thread
from typing import Any

from .events import CALLS, Answer, Event, Said
from .probe import NODE, Probe, probe_here
from .run_files import READY, STARTED

LOOK_EVERY_S = 0.005
PATIENCE_S = 5.0


def submit(enqueue: Callable[[Mapping[str, Any]], object]) -> None:
    """Call ``enqueue`` with each job of this producer when its time has come.

    The next job does not wait longer than ``PATIENCE_S`` for a call. Before it ends, this producer
    waits for calls as long as anything of the run's plan lasts: what was only late is answered by
    then, and what became of the others nobody knows. A job has ``id``, ``queue``, ``key``,
    ``priority``, ``delay_s`` and ``timeout_s``. Does nothing in a process that belongs to no run.
    """
    probe = probe_here()
    if probe is None:
        return
    node = os.environ[NODE]
    (probe.folder / f"{READY}-{node}").touch()
    while not (probe.folder / STARTED).exists():
        time.sleep(LOOK_EVERY_S)
    calls = []
    for at_s, identifier in probe.work["schedules"].get(node, []):
        time.sleep(max(0.0, at_s - probe.elapsed()))
        job = probe.work["jobs"][identifier]
        call = Thread(target=_enqueue, args=(probe, enqueue, job), daemon=True)
        call.start()
        calls.append(call)
        call.join(PATIENCE_S)  # who hangs for ever hangs alone, as one of many processes would
    until_s = time.monotonic() + probe.work.get("lasts_s", 0.0)
    for call in calls:
        call.join(max(0.0, until_s - time.monotonic()))


def _enqueue(
    probe: Probe, enqueue: Callable[[Mapping[str, Any]], object], job: Mapping[str, Any]
) -> None:
    since = time.monotonic()
    probe.ledger.write(Event.ENQUEUE_SENT, job=job["index"])
    try:
        enqueue(job)
    except Exception as error:  # noqa: BLE001 - whatever a client raises, it is no refusal
        print(f"{job['id']} was not enqueued: {error!r}", file=sys.stderr)
        words = probe.ledger.say(Said(f"{type(error).__name__}: {error}"))
        call = float(CALLS.index("enqueue"))
        probe.ledger.write(Event.ERRED, job=job["index"], since=since, key=words, value=call)
        return
    probe.ledger.write(Event.ENQUEUE_ANSWERED, job=job["index"], answer=Answer.OK, since=since)
