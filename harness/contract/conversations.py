"""What a holder, a producer and an operator may rely on, one short conversation each.

The state machine finds the same mistakes and more; these are here because each has a name, and
a failing one says at once which practice is missing. Each takes a fresh bench.
"""

from __future__ import annotations

from typing import Literal

from ...protocol.commands import (
    Ack,
    Delivery,
    Enqueue,
    Enqueued,
    Extend,
    Job,
    Nack,
    Refused,
    Release,
    RetryPolicy,
)
from .bench import LEASE_S, QUEUE, Bench
from .model import Word

Says = Literal["ack", "nack", "extend", "release"]
SAYS: tuple[Says, ...] = ("ack", "nack", "extend", "release")
SETTLING: tuple[Says, ...] = ("ack", "nack", "release")
PAST_S = LEASE_S + 0.5
MANY = 20
MANY_FAILURES = 70  # more than there are bits in which a delay may be kept


def word(how: Says, delivery: Delivery) -> Word:
    """What the holder of this delivery says."""
    job_id, token = delivery.job.id, delivery.token
    words: dict[Says, Word] = {
        "ack": Ack(job_id, token),
        "nack": Nack(job_id, token, "it broke"),
        "extend": Extend(job_id, token, LEASE_S),
        "release": Release(job_id, token),
    }
    return words[how]


def notice(bench: Bench) -> None:
    """Ask for a job that is not there: by now the queue must see which leases have ended."""
    bench.lease(queues=("a queue that nobody uses",))


def expect_never_again(bench: Bench, expected: str) -> None:
    """That nothing is handed out, however long any lease or backoff may have been."""
    __tracebackhide__ = True
    notice(bench)
    bench.wait(bench.long_s)
    again = bench.lease()
    bench.expect(again is None, expected, again)


def after_backoff(bench: Bench) -> Delivery:
    """The next delivery, whenever within a few seconds the retry policy has it due."""
    __tracebackhide__ = True
    notice(bench)
    for _ in range(4):
        delivery = bench.lease()
        if delivery is not None:
            return delivery
        bench.wait(1.5)
    return bench.take(LEASE_S, (QUEUE,))


def enqueue_may_be_repeated(bench: Bench) -> None:
    for created in (True, False, False):
        found = bench.enqueue(Job("a"))
        bench.expect(
            found == created, f"created={created} in answer to the enqueue", f"created={found}"
        )
    bench.take()
    again = bench.lease()
    bench.expect(again is None, "a job that was enqueued three times to be held once", again)


def a_completed_job_is_over(bench: Bench) -> None:
    bench.enqueue(Job("a"))
    settled = bench.say(word("ack", bench.take()))
    bench.expect(settled.accepted, "the ack of the holder to be accepted", settled)
    bench.wait(PAST_S)
    if bench.claims.idempotent_enqueue:
        found = bench.enqueue(Job("a"))
        bench.expect(not found, "created=False for a job that is done", "created=True")
    expect_never_again(bench, "a job that was acked never to be handed out again")


def every_legal_job_is_accepted(bench: Bench) -> None:
    """Legal is whatever the words of :class:`Job` and :class:`RetryPolicy` allow."""
    policies = [
        RetryPolicy(0.1, 2.0, 0.5),
        RetryPolicy(0.0, 2.0, 60.0),
        RetryPolicy(0.5, 1.0, 60.0),
        RetryPolicy(1.0, 2.0, 0.0),
    ]
    jobs = [Job(f"retry {number}", retry=policy) for number, policy in enumerate(policies)]
    jobs += [Job(f"priority {priority}", priority=priority) for priority in (-1000, 1000)]
    jobs += [Job("once", max_deliveries=1), Job("short", timeout_s=0.5), Job("no key", key=None)]
    for job in jobs:
        reply = bench.call(Enqueue(job))
        bench.expect(isinstance(reply, Enqueued), f"the legal job {job} to be accepted", reply)
        state = bench.state(job.id)
        bench.expect(state == "ready", f"job {job.id!r}, which was accepted, to be ready", state)


def an_ack_ends_no_other_job(bench: Bench) -> None:
    for name in ("a", "b", "c"):
        bench.enqueue(Job(name))
        bench.wait(0.5)
    holders = []
    for _ in range(3):
        holders.append(bench.take())
        bench.wait(0.5)
    bench.say(word("ack", holders[1]))
    for holder in (holders[0], holders[2]):
        state = bench.state(holder.job.id)
        bench.expect(state == "leased", f"job {holder.job.id!r} to stay with its holder", state)
        settled = bench.say(word("ack", holder))
        bench.expect(settled.accepted, f"the ack of job {holder.job.id!r} to be accepted", settled)


def a_lease_is_exclusive_until_it_ends(bench: Bench) -> None:
    bench.enqueue(Job("a"))
    first = bench.take()
    bench.wait(LEASE_S - 0.5)
    again = bench.lease()
    bench.expect(again is None, f"the job to stay with its holder for {LEASE_S:g} s", again)
    bench.wait(1.0)
    second = after_backoff(bench)
    bench.expect(
        second.job.id == "a", "the job of the holder who was never heard of", second.job.id
    )
    if bench.claims.fencing:
        bench.expect(second.token > first.token, f"a token above {first.token}", second.token)


def an_extended_lease_lasts_longer(bench: Bench) -> None:
    bench.enqueue(Job("a"))
    holder = bench.take()
    for _ in range(3):
        bench.wait(LEASE_S - 1.0)
        settled = bench.say(word("extend", holder))
        bench.expect(settled.accepted, "the holder of a living lease to extend it", settled)
        again = bench.lease()
        bench.expect(again is None, "the job to stay with the holder who extended its lease", again)
    settled = bench.say(word("ack", holder))
    bench.expect(settled.accepted, "the ack of the holder who extended its lease", settled)


def no_extension_outlasts_the_timeout(bench: Bench) -> None:
    bench.enqueue(Job("a", timeout_s=2.5 * LEASE_S))
    holder = bench.take()
    for _ in range(4):
        bench.wait(LEASE_S - 1.0)
        bench.say(word("extend", holder))
    second = after_backoff(bench)
    bench.expect(second.number == 2, "the job to be taken from its holder at its timeout", second)


def a_lease_that_ran_out_waits_for_its_backoff(bench: Bench) -> None:
    policy = RetryPolicy(base_s=5.0, factor=1.0, cap_s=5.0, jitter="none")
    bench.enqueue(Job("a", retry=policy))
    bench.take()
    bench.wait(PAST_S)
    notice(bench)
    bench.wait(4.0)
    early = bench.lease()
    bench.expect(early is None, "a pause of 5 s after a lease that ran out", early)
    bench.wait(1.5)
    bench.take()


def jobs_of_a_queue_come_in_their_order(bench: Bench) -> None:
    names = [f"job {number}" for number in range(5)]
    for name in names:
        bench.enqueue(Job(name))
        bench.wait(1.0)
    found = [bench.take().job.id for _ in names]
    bench.expect(found == names, "the jobs in the order in which they were enqueued", found)


def the_word_of_a_zombie_is_refused(bench: Bench, how: Says, taken: bool) -> None:
    """``taken``: somebody else has the job by now; else it merely waits."""
    bench.enqueue(Job("a"))
    zombie = bench.take()
    bench.wait(PAST_S)
    holder = after_backoff(bench) if taken else None
    settled = bench.say(word(how, zombie))
    bench.expect(
        not settled.accepted, f"the {how} of a holder whose lease has ended to be refused", settled
    )
    if holder is not None:
        settled = bench.say(word("ack", holder))
        bench.expect(
            settled.accepted, f"the holder to be able to ack after a zombie's {how}", settled
        )
    else:
        after_backoff(bench)


def a_word_may_be_repeated(bench: Bench, how: Says) -> None:
    bench.enqueue(Job("a"))
    holder = bench.take()
    for _ in range(3):
        settled = bench.say(word(how, holder))
        bench.expect(settled.accepted, f"a repeated {how} to be accepted", settled)
    state = bench.state("a")
    wanted = "done" if how == "ack" else "ready"
    bench.expect(state == wanted, f"the job to be {wanted} after its {how}", state)
    if how != "ack":
        second = after_backoff(bench)
        bench.expect(second.number == 2, "delivery number 2", second.number)
        bench.say(word(how, holder))
        state = bench.state("a")
        bench.expect(state == "leased", f"a late repetition of the {how} to change nothing", state)


def a_job_handed_back_is_ready_at_once_and_not_a_failure(bench: Bench) -> None:
    bench.enqueue(Job("a", max_deliveries=1))
    for _ in range(3):
        settled = bench.say(word("release", bench.take()))
        bench.expect(settled.accepted, "the release of the holder to be accepted", settled)
    state = bench.state("a")
    bench.expect(state == "ready", "a job that was only handed back to be ready", state)


def deliveries_are_bounded(bench: Bench, crashes: bool) -> None:
    """``crashes``: nothing is ever heard of the holders; else they report failures."""
    bench.enqueue(Job("a", max_deliveries=3))
    for number in (1, 2, 3):
        holder = after_backoff(bench)
        bench.expect(holder.number == number, f"delivery number {number}", holder.number)
        if crashes:
            bench.wait(PAST_S)
        else:
            bench.say(word("nack", holder))
    expect_never_again(bench, "no more than 3 deliveries")


def a_delay_is_kept(bench: Bench) -> None:
    bench.enqueue(Job("a", delay_s=5.9))
    bench.wait(5.4)
    early = bench.lease()
    bench.expect(
        early is None, "a job with a delay of 5.9 s to wait for it", "it handed out after 5.4 s"
    )
    bench.wait(1.0)
    bench.take()


def a_delayed_job_is_handed_out_to_one(bench: Bench) -> None:
    bench.enqueue(Job("a", delay_s=5.0))
    bench.wait(5.5)
    bench.take()
    again = bench.lease(worker="w2")
    bench.expect(again is None, "a job that was delayed to stay with the worker who got it", again)


def the_highest_priority_goes_first(bench: Bench) -> None:
    for priority in (0, 2, 1, -1_000_000, 1_000_000, -1):
        bench.enqueue(Job(f"priority {priority}", priority=priority))
    for priority in (1_000_000, 2, 1, 0, -1, -1_000_000):
        bench.wait(1.0)
        found = bench.take().job.id
        bench.expect(found == f"priority {priority}", f"priority {priority} next", found)


def the_highest_priority_of_all_queues_goes_first(bench: Bench) -> None:
    bench.enqueue(Job("usual", QUEUE))
    bench.enqueue(Job("urgent", "orders", priority=5))
    bench.enqueue(Job("more urgent", QUEUE, priority=7))
    bench.enqueue(Job("most urgent", QUEUE, priority=9))
    for name in ("most urgent", "more urgent", "urgent", "usual"):
        bench.wait(1.0)
        found = bench.take(queues=(QUEUE, "orders")).job.id
        bench.expect(found == name, f"the job {name!r} next", repr(found))


def an_urgent_job_waits_for_none_of_less_importance(bench: Bench) -> None:
    """Not even for one that is the same work and came first, as long as nobody has begun it."""
    bench.enqueue(Job("of no importance", key="charge-7"))
    for number in range(3):
        bench.enqueue(Job(f"other {number}", priority=1))
    bench.enqueue(Job("urgent", key="charge-7", priority=5))
    bench.wait(1.0)
    found = bench.take().job.id
    bench.expect(found == "urgent", "the urgent job to be handed out first", repr(found))


def a_backoff_is_kept_however_often_the_job_has_failed(bench: Bench) -> None:
    policy = RetryPolicy(base_s=1.0, factor=2.0, cap_s=4.0, jitter="none")
    bench.enqueue(Job("a", max_deliveries=2 * MANY_FAILURES, retry=policy))
    for number in range(1, MANY_FAILURES + 1):
        bench.say(word("nack", bench.take()))
        wait_s = min(4.0, 2.0 ** (number - 1))
        bench.wait(wait_s - 0.5)
        early = bench.lease()
        bench.expect(early is None, f"a pause of {wait_s:g} s after failure {number}", early)
        bench.wait(1.0)


def a_worker_gets_only_jobs_of_its_queues(bench: Bench) -> None:
    bench.enqueue(Job("a", queue="mail"))
    strange = bench.lease(queues=("orders",))
    bench.expect(strange is None, "no job of the queue 'mail' for a worker of 'orders'", strange)
    bench.take(queues=("orders", "mail"))


def a_permanent_failure_is_a_dead_letter_at_once(bench: Bench) -> None:
    bench.enqueue(Job("a"))
    holder = bench.take()
    bench.say(Nack("a", holder.token, "the record is gone", permanent=True))
    expect_never_again(bench, "a job that can never succeed not to be retried")
    state = bench.state("a")
    bench.expect(state == "dead", "it to be a dead letter", state)


def work_whose_key_is_completed_is_not_done_again(bench: Bench) -> None:
    for name in ("a", "b"):
        bench.enqueue(Job(name, key="charge-7"))
    bench.say(word("ack", bench.take()))
    again = bench.lease()
    bench.expect(again is None, "no second job with the completed key", again)


def a_key_is_completed_by_the_ack_and_not_before(bench: Bench) -> None:
    bench.enqueue(Job("a", key="charge-7"))
    bench.take()
    bench.wait(PAST_S)
    after_backoff(bench)


def a_full_queue_refuses_and_keeps_what_it_has(bench: Bench) -> None:
    for name in ("a", "b"):
        bench.enqueue(Job(name, max_waiting=2))
    reply = bench.call(Enqueue(Job("c", max_waiting=2)))
    bench.expect(isinstance(reply, Refused), "a third job to be refused where 2 may wait", reply)
    state = bench.state("c")
    bench.expect(state is None, "a refused job not to be held", state)
    bench.take()
    bench.enqueue(Job("c", max_waiting=2))


def nothing_is_forgotten(bench: Bench) -> None:
    names = [f"job {number}" for number in range(MANY)]
    for name in names:
        bench.enqueue(Job(name))
    held = [name for name in names if bench.state(name) != "ready"]
    bench.expect(not held, f"{MANY} jobs that were accepted to be ready", f"not {held}")
    found = sorted(bench.take().job.id for _ in names)
    bench.expect(found == sorted(names), "each job to be handed out once", found)
