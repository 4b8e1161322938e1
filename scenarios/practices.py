"""The practices of a queue that does not drop work, each with what shows its worth.

A row names the scenario in which a queue with the practice holds, and the one that lacks it: a
twin, or a control variant of the scenario. Data only; whoever asks runs them.
"""

from __future__ import annotations

from typing import NamedTuple


class Practice(NamedTuple):
    """``without``: a backend ``twin-...``, or ``:variant`` of the scenario."""

    name: str
    scenario: str
    without: str


PRACTICES = (
    Practice(
        "a lease, so that a crash gives the job back", "worker-kill-before-ack", "twin-no-lease"
    ),
    Practice("ack after the work", "worker-kill-before-ack", "twin-ack-before-run"),
    Practice(
        "the key recorded with the completion", "worker-kill-before-ack", "twin-key-before-effect"
    ),
    Practice("one idempotency key for all deliveries", "zombie-worker", "twin-key-per-delivery"),
    Practice(
        "an idempotency key made from the job", "worker-kill-before-ack", "twin-keys-seeded-alike"
    ),
    Practice("fencing tokens", "zombie-worker", "twin-ack-without-token"),
    Practice("leases extended while the job runs", "slow-job-flood", "twin-lease-too-short"),
    Practice("durable before it is answered", "broker-crash", "twin-not-durable"),
    Practice("backoff", "retry-storm", "twin-retry-at-once"),
    Practice("jitter", "retry-storm", "twin-retry-in-lockstep"),
    Practice("bounded deliveries, crashes counted", "poison-job", "twin-crashes-not-counted"),
    Practice("permanent failures are not retried", "permanent-failure", "twin-permanent-retried"),
    Practice("dead letters keep the reason", "permanent-failure", "twin-reason-forgotten"),
    Practice("replay in one step", "dead-letter-replay", "twin-replay-drops"),
    Practice("payloads are bytes", "odd-payloads", "twin-payload-ends-at-nul"),
    Practice("delays that outlast every counter", "delayed-a-month", "twin-delay-wraps"),
    Practice("a delay as it was asked for", "delayed-jobs", "twin-delay-truncated"),
    Practice("whoever waits is woken", "delayed-jobs", "twin-wakes-late"),
    Practice("a priority that outlasts a crash", "urgent-retries", "twin-priority-lost-on-crash"),
    Practice("priorities below zero", "urgent-retries", "twin-priority-unsigned"),
    Practice("names compared in case, too", "odd-names", "twin-queue-case-folded"),
    Practice("names compared to the last character", "odd-names", "twin-id-cut"),
    Practice("hand-backs count for nothing", "crash-after-handback", "twin-handback-counts"),
    Practice("hand-backs forgive no crash", "crash-after-handback", "twin-handback-resets"),
    Practice("a timeout on every job", "stuck-job", "twin-no-timeout"),
    Practice("graceful shutdown", "graceful-shutdown", "twin-shutdown-drops"),
    Practice("isolated pools", "slow-job-flood", ":shared"),
    Practice("priorities", "burst", "twin-priority-ignored"),
    Practice("backpressure", "overload", "twin-unbounded"),
    Practice(
        "a lease measured by the queue's clock, whoever asks",
        "clock-skew",
        "twin-lease-by-worker-clock",
    ),
    Practice("a clock that does not jump", "clock-skew", "twin-wall-clock"),
    Practice(
        "a technique for each gap between two submissions", "duplicate-submission", ":every-gap"
    ),
    Practice("effects that outlast the memory of the queue", "duplicate-a-day-later", ":every-gap"),
)
