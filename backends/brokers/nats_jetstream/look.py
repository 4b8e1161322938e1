"""What the stream holds. Of a message that was handed out nobody is told whether its lease has
ended: the server says only that it is not acknowledged yet, and counts it as leased.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ....protocol.commands import Depth, Inspected, Measured
from .client import Client, NatsError
from .words import API, STREAM, name_of, token_of

NO_CONSUMER = 10014


def inspected(client: Client, job_id: str) -> Inspected:
    """Where the job of that id is: found by its subject."""
    asked = {"subjects_filter": f"{STREAM}.*.{token_of(job_id)}"}
    found = client.ask_api(f"{API}.STREAM.INFO.{STREAM}", asked)
    for subject in found["state"].get("subjects") or {}:
        try:
            message = client.ask_api(f"{API}.STREAM.MSG.GET.{STREAM}", {"last_by_subj": subject})
        except NatsError:
            continue  # it was acknowledged in between
        sequence = int(message["message"]["seq"])
        last = _delivered(client, subject.split(".")[1])
        if sequence > last:
            return Inspected("ready", where="in its stream")
        return Inspected("leased", 1, where="not acknowledged")
    return Inspected(None)


def measured(client: Client) -> Measured:
    depths = []
    for told in _consumers(client):
        queue, waiting = name_of(told["name"]), int(told["num_pending"])
        depths += [
            Depth(queue, "ready", waiting, 0.0, waiting),
            Depth(queue, "leased", int(told["num_ack_pending"]), 0.0),
        ]
    return Measured(tuple(depths), {})


def _delivered(client: Client, name: str) -> int:
    """The place of the last message that this consumer has handed out for the first time."""
    try:
        told = client.ask_api(f"{API}.CONSUMER.INFO.{STREAM}.{name}")
    except NatsError as error:
        if error.code == NO_CONSUMER:
            return 0
        raise
    return int(told["delivered"]["stream_seq"])


def _consumers(client: Client) -> Iterator[dict[str, Any]]:
    seen = 0
    while True:
        page = client.ask_api(f"{API}.CONSUMER.LIST.{STREAM}", {"offset": seen})
        yield from page["consumers"]
        seen += len(page["consumers"])
        if not page["consumers"] or seen >= page["total"]:
            return
