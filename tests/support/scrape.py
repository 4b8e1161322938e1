"""What Prometheus would read from a metrics page, and a life of jobs in which all happens once."""

from __future__ import annotations

import time
import urllib.error
import urllib.request

import pytest
from jobquake.backends.reference.broker.client import Client
from jobquake.protocol import commands as c
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from support.broker_process import state_of, wait_until

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]
LATER = c.RetryPolicy(base_s=1000.0, factor=1.0, cap_s=1000.0, jitter="none")
LONG_S = 30.0
SHORT_S = 0.05
# A proxy in the environment is not for what stays on this machine.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def get(url: str) -> tuple[int, str]:
    """Status and text."""
    try:
        with _opener.open(url, timeout=LONG_S) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def scrape(url: str) -> Samples:
    """Every sample of the page at this address."""
    status, text = get(url)
    assert status == 200, text
    return read(text)


def read(text: str) -> Samples:
    """Every sample, by its name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def of(samples: Samples, name: str, **labels: str) -> float:
    return samples[name, frozenset(labels.items())]


def take(client: Client, queue: str, lease_s: float = LONG_S, worker: str = "w") -> c.Delivery:
    reply = client.call(c.Lease(worker, (queue,), lease_s))
    assert isinstance(reply, c.Leased) and reply.delivery
    return reply.delivery


def refused(client: Client, command: c.Command) -> None:
    with pytest.raises(c.QueueError):
        client.call(command)


def live_through_everything(client: Client, queue: str) -> float:
    """Each event of a queue's life at least once in ``queue``; how many seconds it took.

    It ends with one job leased, two waiting, three delayed, two done and one dead.
    """
    began = time.monotonic()

    def put(name: str, **options: object) -> None:
        client.call(c.Enqueue(replace(c.Job(f"{queue}-{name}", queue), **options)))

    put("done", key="k")
    put("done", key="k")  # repeated
    delivery = take(client, queue)
    client.call(c.Extend(delivery.job.id, 1, LONG_S))
    client.call(c.Ack(delivery.job.id, 1))
    client.call(c.Ack(delivery.job.id, 1))  # said again
    client.call(c.Ack(delivery.job.id, 9))  # refused
    put("same key", key="k")  # skipped when the next job is leased
    put("fails", retry=LATER)
    client.call(c.Nack(take(client, queue).job.id, 1, "no"))
    put("bad")
    client.call(c.Nack(take(client, queue).job.id, 1, "no", permanent=True))
    put("weak", max_deliveries=1)
    client.call(c.Nack(take(client, queue).job.id, 1, "no"))
    put("crashes", retry=LATER)
    take(client, queue, SHORT_S)
    put("hangs", retry=LATER, timeout_s=SHORT_S)
    take(client, queue)
    wait_until(lambda: state_of(client, f"{queue}-crashes") == "ready")
    wait_until(lambda: state_of(client, f"{queue}-hangs") == "ready")
    put("held")
    take(client, queue)
    put("back")
    client.call(c.Release(take(client, queue).job.id, 1))
    client.call(c.Replay((f"{queue}-bad",)))
    refused(client, c.Enqueue(c.Job("never", queue, max_deliveries=0)))
    return time.monotonic() - began
