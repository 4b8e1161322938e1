"""Every promise, side by side: what would break it this way, what that way, and who notices.

A row is one side of a promise. It names the check that judges it in every run and in exploration,
and the twins that break just that. ``why`` stands where no twin can: nothing is left out without a
reason. Data only; where each check judges, and by which claims, is read from the checks.
"""

from __future__ import annotations

from typing import NamedTuple


class Promise(NamedTuple):
    """One side of a promise. ``twins`` are without their ``twin-``."""

    promise: str
    side: str
    check: str
    twins: tuple[str, ...] = ()
    why: str = ""


BY_NATURE = "a queue that makes jobs up is none; the rows of a run are tested instead"
LIBRARIES = "only a library's own workers show it; rows of their runs are tested instead"

PROMISES = (
    Promise(
        "accepted work is done", "not lost in a worker's hands", "no_lost_work",
        ("ack-before-run", "no-lease", "pop-then-push", "shutdown-drops", "timeout-acks",
         "key-before-effect", "keys-seeded-alike"),
    ),
    Promise(
        "accepted work is done", "not lost in the queue", "no_lost_work",
        ("not-durable", "promotion-loses", "id-cut"),
    ),
    Promise(
        "accepted work is done", "not lost among the dead letters", "no_lost_work",
        ("dead-letter-after-ack", "dead-letters-trimmed", "replay-drops",
         "replay-loses-on-crash"),
    ),
    Promise(
        "accepted work is done", "and comes to an end", "progress_after_heal",
        ("heartbeat-outlives-job", "leases-uncounted", "reaper-lock-of-a-corpse",
         "reaper-needs-traffic"),
    ),
    Promise(
        "effects happen once", "whoever runs the job again", "no_duplicated_effects",
        ("heartbeat-blocked", "lease-of-the-shortest", "lease-too-short", "key-per-delivery",
         "promotion-twice"),
    ),
    Promise(
        "effects happen once", "whoever submits the work again", "no_duplicated_effects",
        ("dedup-window-short", "enqueue-twice", "key-after-ack", "key-not-recorded"),
    ),
    Promise("what runs was enqueued", "no job of nobody's", "no_phantoms", why=BY_NATURE),
    Promise(
        "what runs was enqueued", "with its payload", "payloads_intact",
        ("payload-cut", "payload-ends-at-nul"),
    ),
    Promise("what runs was enqueued", "in its queue", "queues_kept", ("queue-case-folded",)),
    Promise(
        "what is legal is accepted", "nothing refused that may be enqueued", "enqueues_accepted",
        ("quick-retries-refused",),
    ),
    Promise(
        "what is legal is accepted", "and told as new or as held", "enqueues_accepted",
        ("held-told-as-new",),
    ),
    Promise(
        "what is legal is accepted", "what was forgotten in time is new", "retention_kept",
        ("never-forgets",),
    ),
    Promise(
        "what is legal is accepted", "nothing accepted beyond the limit", "backlog_bounded",
        ("unbounded",),
    ),
    Promise(
        "what is legal is accepted", "nothing accepted that makes no sense", "senseless_refused",
        ("senseless-accepted",),
    ),
    Promise(
        "one holder at a time", "nobody else before the lease ends", "leases_exclusive",
        ("lease-by-worker-clock", "reaper-reaps-living", "wall-clock"),
    ),
    Promise(
        "one holder at a time", "nobody else's word is taken", "leases_exclusive",
        ("ack-without-token", "heartbeat-without-token", "ack-of-the-oldest", "late-ack-taken"),
    ),
    Promise(
        "one holder at a time", "its own word is taken", "holder_obeyed",
        ("acks-not-kept", "acks-told-as-refused", "heartbeats-refused", "repeated-ack-refused"),
    ),
    Promise(
        "one holder at a time", "what is done is not told as failed", "success_remembered",
        why=LIBRARIES,
    ),
    Promise("one holder at a time", "tokens only grow", "tokens_grow", ("token-restarts",)),
    Promise(
        "deliveries", "not more than allowed", "bounded_deliveries",
        ("crashes-not-counted", "handback-resets", "retries-counted-in-worker"),
    ),
    Promise(
        "deliveries", "not fewer before it is given up", "deliveries_used", ("handback-counts",)
    ),
    Promise(
        "deliveries", "not one more after it failed for good", "permanent_failures",
        ("permanent-retried",),
    ),
    Promise(
        "deliveries", "not longer than the timeout", "timeouts_enforced", ("no-timeout",)
    ),
    Promise("delays", "not too early", "delays_respected", ("delay-truncated", "delay-wraps")),
    Promise("delays", "not too late", "delays_respected", ("delay-on-the-tick", "wakes-late")),
    Promise(
        "backoff", "not too early", "backoff_respected", ("retry-at-once", "backoff-overflows")
    ),
    Promise("backoff", "not too late", "backoff_respected", ("backoff-without-cap",)),
    Promise("backoff", "not all together", "retries_spread", ("retry-in-lockstep",)),
    Promise(
        "hand-outs", "who asks is given what is ready", "ready_jobs_handed_out",
        ("duplicate-ends-search",),
    ),
    Promise(
        "hand-outs", "the most urgent first", "priorities_respected",
        ("priority-lost-on-crash", "priority-unsigned", "queues-by-turns"),
    ),
    Promise(
        "hand-outs", "of equally urgent ones the first that was ready", "order_kept",
        ("newest-first",),
    ),
    Promise(
        "hand-outs", "nobody waits beyond the bound", "no_starvation",
        ("prefetch-hoards", "priority-ignored", "priority-inversion", "priority-inverted",
         "strict-order-starves"),
    ),
    Promise(
        "dead letters", "can be found, with their attempts", "dead_letters_listed",
        ("attempts-forgotten",),
    ),
    Promise("dead letters", "tell their own reason", "dead_letters_explained",
            ("reason-forgotten",)),
    Promise("dead letters", "a replay is obeyed", "replays_obeyed", ("replay-unheard",)),
    Promise(
        "a run proves something", "the faults struck", "faults_hit",
        why="it judges the run and not the queue",
    ),
)  # fmt: skip
