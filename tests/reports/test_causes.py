"""Likely causes: every broken twin is told something that names its own mistake, every rule can
be reached, and what is said of a guarantee rests on symptoms that the history shows.
"""

from __future__ import annotations

from functools import cache

import pytest
from jobquake.backends import registry as backends
from jobquake.harness.checks import GUARANTEES
from jobquake.harness.record.facts import Facts
from jobquake.harness.run import run
from jobquake.reports.causes import advice, rules
from jobquake.reports.promises import EXPECTED
from jobquake.reports.symptoms import ALL_SYMPTOMS, symptoms
from support.twin_plans import PLANS

# What a reader must find in the advice about each twin: the practice that it lacks.
PRACTICES = {
    "twin-ack-before-run": "Ack after the work",
    "twin-no-lease": "under a lease",
    "twin-not-durable": "on disk",
    "twin-shutdown-drops": "Shut down gracefully",
    "twin-replay-drops": "in one transaction",
    "twin-promotion-loses": "one atomic step",
    "twin-dead-letters-trimmed": "Keep dead letters",
    "twin-lease-too-short": "Extend the lease",
    "twin-key-per-delivery": "one key for all deliveries",
    "twin-keys-seeded-alike": "Make the key from the job",
    "twin-enqueue-twice": "enqueue idempotent",
    "twin-promotion-twice": "one atomic step",
    "twin-key-not-recorded": "one idempotency key",
    "twin-ack-without-token": "fencing tokens",
    "twin-reaper-reaps-living": "holder's last call",
    "twin-crashes-not-counted": "when it starts",
    "twin-retries-counted-in-worker": "with the job",
    "twin-retry-at-once": "backoff",
    "twin-retry-in-lockstep": "jitter",
    "twin-permanent-retried": "permanent failures",
    "twin-reason-forgotten": "its reason",
    "twin-no-timeout": "a timeout",
    "twin-reaper-needs-traffic": "reap by its own",
    "twin-priority-ignored": "priorities",
    "twin-unbounded": "backpressure",
    "twin-key-before-effect": "only after the work",
    "twin-pop-then-push": "under a lease",
    "twin-replay-loses-on-crash": "in one transaction",
    "twin-timeout-acks": "records its completion or its dead letter",
    "twin-heartbeat-blocked": "the job cannot block",
    "twin-lease-of-the-shortest": "Extend the lease",
    "twin-dedup-window-short": "longer than producers repeat",
    "twin-key-after-ack": "one idempotency key",
    "twin-backoff-overflows": "cannot overflow",
    "twin-backoff-without-cap": "a cap",
    "twin-heartbeat-outlives-job": "a timeout",
    "twin-reaper-lock-of-a-corpse": "reap by its own",
    "twin-priority-inverted": "priorities",
    "twin-prefetch-hoards": "one job at a time",
    "twin-strict-order-starves": "every queue in turn",
    "twin-payload-cut": "as bytes with their length",
    "twin-payload-ends-at-nul": "Store the payload once",
    "twin-delay-wraps": "the time at which it is ready",
    "twin-priority-lost-on-crash": "through retries, hand-backs and crashes",
    "twin-newest-first": "the time at which they became ready",
    "twin-repeated-ack-refused": "from the decision",
    "twin-acks-told-as-refused": "from the decision",
    "twin-acks-not-kept": "after it is committed",
    "twin-heartbeats-refused": "the one that was handed out",
    "twin-queue-case-folded": "byte for byte",
    "twin-id-cut": "all of an id",
    "twin-handback-resets": "nor forget what was before it",
    "twin-handback-counts": "as it is at a hand-back",
    "twin-quick-retries-refused": "Refuse only what cannot be carried out",
    "twin-held-told-as-new": "what the insert found",
    "twin-never-forgets": "when the retention is over",
    "twin-late-ack-taken": "after the end of its lease",
    "twin-senseless-accepted": "every field",
    "twin-heartbeat-without-token": "fencing tokens",
    "twin-ack-of-the-oldest": "one job at a time",
    "twin-leases-uncounted": "let every lease expire",
    "twin-lease-by-worker-clock": "monotonic clock",
    "twin-wall-clock": "monotonic clock",
    "twin-token-restarts": "Keep the counter of tokens",
    "twin-duplicate-ends-search": "look again",
    "twin-replay-unheard": "answer after it is committed",
    "twin-attempts-forgotten": "with its attempts",
}


@cache
def shown(name: str) -> tuple[str, set[str]]:
    """The guarantee that the twin breaks first, and the symptoms that its history shows."""
    this = run(PLANS[name].plan, backends.find(name), "sim")
    broken = next(check for check in this.result.checks if check.verdict == "violated")
    facts = Facts(this.plan, this.claims, this.history)
    return broken.name, symptoms(facts, broken.findings[0].job)


@pytest.mark.parametrize("name", PRACTICES)
def test_the_advice_names_the_practice_that_the_twin_lacks(name: str) -> None:
    told = advice(*shown(name))
    assert told is not None
    assert PRACTICES[name] in told.practice, told


@pytest.mark.parametrize("name", PLANS)
def test_every_twin_gets_some_advice_and_shows_known_signs(name: str) -> None:
    guarantee, seen = shown(name)
    assert advice(guarantee, seen) is not None
    assert seen and seen <= ALL_SYMPTOMS


def test_every_guarantee_has_a_promise_and_a_rule_that_needs_no_sign() -> None:
    assert set(EXPECTED) == set(GUARANTEES) == set(rules())
    assert all(any(not rule.signs for rule in of_one) for of_one in rules().values())


def test_every_rule_can_be_reached_and_asks_for_signs_that_exist() -> None:
    for guarantee, of_one in rules().items():
        for rule in of_one:
            assert set(rule.signs) <= ALL_SYMPTOMS
            told = advice(guarantee, set(rule.signs))
            assert told and told.cause == rule.cause, f"another rule hides {rule.signs}"


def test_a_guarantee_that_nobody_knows_gets_no_advice() -> None:
    assert advice("no_such_guarantee", ALL_SYMPTOMS) is None
