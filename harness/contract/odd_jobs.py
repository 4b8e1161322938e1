"""Jobs as nobody tried them: what they carry, what they are called, how long and how often.

Short conversations as in :mod:`.conversations`, about workloads that are legal and rare.
"""

from __future__ import annotations

from ...protocol.commands import Job, Nack, RetryPolicy
from ..plan.names import ODD_NAMES
from ..plan.payload import payload
from .bench import Bench
from .conversations import PAST_S, after_backoff, expect_never_again, word

PAYLOADS = (0, 1, 65_535, 65_536, 65_537)  # about where a length of 16 bits ends
MANY_DELIVERIES = 260
DELAYS_S = (30 * 86_400.0, 86_400.0, 3600.0, 60.0, 4.0)  # the longest is enqueued first


def a_hand_back_forgets_no_delivery_before_it(bench: Bench) -> None:
    """A job that kills its workers, between hand-backs: the crashes count all the same."""
    bench.enqueue(Job("a", max_deliveries=2))
    for _ in range(2):
        bench.say(word("release", after_backoff(bench)))
        after_backoff(bench)
        bench.wait(PAST_S)
    expect_never_again(bench, "no more than 2 deliveries that were not handed back")


def jobs_with_ids_that_look_alike_are_different_jobs(bench: Bench) -> None:
    for name in ODD_NAMES:
        created = bench.enqueue(Job(name))
        bench.expect(created, f"job {name!r} to be another one than those before", "created=False")
    for _ in ODD_NAMES:
        bench.say(word("ack", bench.take()))
    left = [name for name in ODD_NAMES if bench.state(name) != "done"]
    bench.expect(
        not left, f"each of {len(ODD_NAMES)} jobs to be done when it was acked", f"not {left}"
    )
    again = bench.lease()
    bench.expect(again is None, "nothing to be left", again)


def queues_with_names_that_look_alike_are_kept_apart(bench: Bench) -> None:
    for name in ODD_NAMES:
        bench.enqueue(Job(f"of {name}", queue=name))
    for name in ODD_NAMES:
        found = bench.take(queues=(name,)).job.queue
        bench.expect(found == name, f"a job of the queue {name!r}", f"one of {found!r}")
        again = bench.lease(queues=(name,))
        bench.expect(again is None, f"no second job in the queue {name!r}", again)


def a_payload_arrives_as_it_was_enqueued(bench: Bench, size: int) -> None:
    """Whoever gets the job: the first worker, the next one, and whoever mends a dead letter.

    Of a queue that takes no payload of that size, the largest one that it takes.
    """
    most = bench.claims.max_payload_bytes
    size = size if most is None else min(size, most)
    whole = payload("a", size)

    def intact(found: bytes, who: str) -> None:
        __tracebackhide__ = True
        differ = f"{len(found):,}" if len(found) != size else "others"
        bench.expect(found == whole, f"{who} to be given the payload of {size:,} bytes", differ)

    bench.enqueue(Job("a", payload=whole, max_deliveries=5))
    holder = bench.take()
    intact(holder.job.payload, "the first worker")
    if bench.claims.delivery == "at-most-once":
        return
    if bench.claims.retries:
        bench.say(word("nack", holder))
        holder = after_backoff(bench)
        intact(holder.job.payload, "the worker that tries the job again")
    bench.wait(PAST_S)
    holder = after_backoff(bench)
    intact(holder.job.payload, "the worker after one that died")
    bench.say(word("release", holder))
    holder = after_backoff(bench)
    intact(holder.job.payload, "the worker after one that handed the job back")
    if bench.claims.dead_letters:
        bench.say(Nack("a", holder.token, "it is gone", permanent=True))
        for letter in bench.dead():
            intact(letter.job.payload, "whoever looks at the dead letter")
        bench.replay("a")
        intact(after_backoff(bench).job.payload, "the worker after a replay")


def delays_run_beside_each_other(bench: Bench) -> None:
    """None waits for a longer one, and none begins anew when its producer asks again."""
    for delay_s in DELAYS_S:
        bench.enqueue(Job(f"{delay_s:g} s", delay_s=delay_s))
    at_s = 0.0
    for delay_s in reversed(DELAYS_S):
        bench.wait(delay_s / 2 - at_s)
        if bench.claims.idempotent_enqueue:
            bench.enqueue(Job(f"{delay_s:g} s", delay_s=delay_s))
        early = bench.lease()
        bench.expect(early is None, f"the job with a delay of {delay_s:g} s to wait for it", early)
        bench.wait(delay_s / 2 + 1.0)
        holder = bench.take()
        found = holder.job.id
        bench.expect(found == f"{delay_s:g} s", f"the job that is due after {delay_s:g} s", found)
        bench.say(word("ack", holder))
        at_s = delay_s + 1.0


def a_job_may_be_delivered_some_hundred_times(bench: Bench) -> None:
    """More often than one byte can count; then it is over, and not before."""
    at_once = RetryPolicy(base_s=0.0, cap_s=0.0, jitter="none")
    bench.enqueue(Job("a", max_deliveries=MANY_DELIVERIES, retry=at_once))
    for number in range(1, MANY_DELIVERIES + 1):
        bench.wait(0.01 + bench.step_s)
        holder = bench.take()
        bench.expect(holder.number == number, f"delivery number {number}", holder.number)
        bench.say(word("nack", holder))
    expect_never_again(bench, f"no more than {MANY_DELIVERIES} deliveries")
