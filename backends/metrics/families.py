"""From what a queue measured to metric families: names, words of help, numbers.

Pure, and without the Prometheus client. What has not happened yet is 0 and not missing, for
every queue that is known, so that the first event is an increase and not the birth of a
series, which Prometheus would not see. What a queue does not count at all is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple, get_args

from ...protocol.commands import Count, Depth, Measured, State, Usage

Samples = dict[tuple[str, ...], float]
STATES: tuple[State, ...] = get_args(State)
SINCE = ", since the queue's process started"
RETRY_CAUSES = ("failed", "lease_expired", "timed_out")
# Event: what the metric is called and says, and what the cause of its event is called there.
COUNTERS: dict[str, tuple[str, str, str, tuple[str, ...]]] = {
    "enqueued": ("jobquake_enqueued", "Jobs accepted", "", ()),
    "enqueue_repeated": (
        "jobquake_enqueue_repeated",
        "Enqueues of a job that was held already",
        "",
        (),
    ),
    "leased": ("jobquake_leased", "Deliveries handed to workers", "", ()),
    "extended": ("jobquake_lease_extended", "Leases lengthened", "", ()),
    "completed": ("jobquake_completed", "Jobs completed", "", ()),
    "retried": (
        "jobquake_retried",
        "Deliveries that did not succeed and whose job will be tried again",
        "cause",
        RETRY_CAUSES,
    ),
    "leases_expired": (
        "jobquake_leases_expired",
        "Deliveries whose worker never settled them: it crashed, stalled or overran the timeout",
        "cause",
        RETRY_CAUSES[1:],
    ),
    "dead_lettered": (
        "jobquake_dead_lettered",
        "Jobs given up on",
        "kind",
        ("permanent", "exhausted"),
    ),
    "handed_back": ("jobquake_handed_back", "Deliveries handed back unfinished", "", ()),
    "replayed": ("jobquake_replayed", "Dead letters put back", "", ()),
    "duplicates_skipped": (
        "jobquake_duplicates_skipped",
        "Jobs not run, for their idempotency key had completed",
        "",
        (),
    ),
    "settled_again": ("jobquake_settled_again", "Repetitions of an accepted word", "", ()),
    "refused": (
        "jobquake_refused",
        "Commands refused, of zombies whose lease had ended among others",
        "command",
        ("enqueue", "lease", "ack", "nack", "extend", "release"),
    ),
}


class Family(NamedTuple):
    """One metric: a counter is written with ``_total`` behind its name."""

    name: str
    kind: Literal["gauge", "counter"]
    help: str
    labels: tuple[str, ...]
    samples: Samples


def families(measured: Measured) -> list[Family]:
    """All that the queue counts, in a fixed order, with a sample for every known queue."""
    counts, usage = measured.counts, measured.usage
    queues = sorted(
        {depth.queue for depth in measured.depths}
        | {used.queue for used in usage or ()}
        | {count.queue for count in counts or () if count.event != "refused"}
    )
    shown = [*_depths(measured, queues)]
    if usage is not None:
        shown += _usage({used.queue: used for used in usage}, queues)
    if counts is not None:
        shown += [_counter(event, counts, queues) for event in COUNTERS]
    return shown


def _depths(measured: Measured, queues: list[str]) -> Iterator[Family]:
    held = {(depth.queue, depth.state): depth for depth in measured.depths}
    of_state = [(queue, state) for queue in queues for state in STATES]
    none = Depth("", "ready", 0, 0.0, 0)
    ready = {queue: held.get((queue, "ready"), none) for queue in queues}
    due = {(queue,): depth for queue, depth in ready.items() if depth.waiting is not None}
    yield Family(
        "jobquake_jobs",
        "gauge",
        "Jobs by state: ready (delayed ones included), leased, done (until forgotten), dead",
        ("queue", "state"),
        {key: held[key].count if key in held else 0 for key in of_state},
    )
    yield Family(
        "jobquake_oldest_age_seconds",
        "gauge",
        "Seconds since the oldest job in that state was enqueued; 0 if there is none",
        ("queue", "state"),
        {key: held[key].oldest_s if key in held else 0.0 for key in of_state},
    )
    yield Family(
        "jobquake_jobs_waiting",
        "gauge",
        "Ready jobs that are due: nothing but a free worker is missing",
        ("queue",),
        {key: depth.waiting or 0 for key, depth in due.items()},
    )
    yield Family(
        "jobquake_oldest_wait_seconds",
        "gauge",
        "For how many seconds the job that waits longest has been due; 0 if none waits",
        ("queue",),
        {key: depth.waiting_s for key, depth in due.items()},
    )


def _usage(usage: dict[str, Usage], queues: list[str]) -> Iterator[Family]:
    yield Family(
        "jobquake_workers",
        "gauge",
        "Workers that asked for work of the queue not long ago, or hold some; one that serves "
        "two queues counts in both",
        ("queue",),
        {(queue,): usage[queue].workers if queue in usage else 0 for queue in queues},
    )
    yield Family(
        "jobquake_busy_seconds",
        "counter",
        "Seconds for which workers held deliveries, counted when each ended" + SINCE,
        ("queue",),
        {(queue,): usage[queue].busy_s if queue in usage else 0.0 for queue in queues},
    )


def _counter(event: str, counts: Iterable[Count], queues: list[str]) -> Family:
    name, text, label, causes = COUNTERS[event]
    samples: Samples = {
        (queue, cause) if label else (queue,): 0.0 for queue in queues for cause in causes or ("",)
    }
    for count in counts:
        if count.event == event:
            samples[(count.queue, count.cause) if label else (count.queue,)] = count.count
    labels = ("queue", label) if label else ("queue",)
    return Family(name, "counter", text + SINCE, labels, samples)
