"""The edges of what may be said: what makes no sense is refused, and all that does is accepted.

A queue that refuses too much loses work as surely as one that drops it, and one that accepts
nonsense has to do something with it. Short conversations as in :mod:`.conversations`.
"""

from __future__ import annotations

from ...protocol.commands import (
    Command,
    DeadLetters,
    Delivery,
    Enqueue,
    Extend,
    Job,
    Lease,
    ListDead,
    Measure,
    Measured,
    Nack,
    Refused,
    RetryPolicy,
)
from ..plan.senseless import HIGHEST, JOBS
from .bench import LEASE_S, QUEUE, Bench
from .conversations import PAST_S, Says, after_backoff, word

LONG_S = 10 * 86_400.0
RETENTION_S = 1000.0
MANY_LETTERS = 600  # more than the reference queue reads from its store in one go
LEGAL = {
    "a pause of 0 s after a failure": Job("a", retry=RetryPolicy(0.0, 2.0, 60.0)),
    "a pause that stays the same": Job("a", retry=RetryPolicy(1.0, 1.0, 60.0)),
    "a pause of half a second at most": Job("a", retry=RetryPolicy(0.5, 2.0, 0.5)),
    "no pause at all": Job("a", retry=RetryPolicy(0.0, 1.0, 0.0)),
    "a timeout of half a second": Job("a", timeout_s=0.5),
    "one delivery": Job("a", max_deliveries=1),
    "the highest priority": Job("a", priority=HIGHEST),
    "the lowest priority": Job("a", priority=-HIGHEST),
    "one that may wait": Job("a", max_waiting=1),
}


def a_legal_job_is_accepted(bench: Bench, what: str) -> None:
    bench.enqueue(LEGAL[what])
    found = bench.take().job.id
    bench.expect(found == "a", f"the job with {what} to be handed out", f"job {found!r}")


def a_senseless_job_is_refused(bench: Bench, what: str) -> None:
    job = JOBS[what]
    reply = bench.call(Enqueue(job))
    bench.expect(isinstance(reply, Refused), f"a job with {what} to be refused", reply)
    found = bench.lease()
    bench.expect(found is None, "a refused job not to be held", found)


def a_lease_without_length_is_refused(bench: Bench) -> None:
    bench.enqueue(Job("a"))
    commands: list[Command] = [Lease("w1", (QUEUE,), length) for length in (0.0, -1.0)]
    for command in commands:
        reply = bench.call(command)
        bench.expect(isinstance(reply, Refused), "a lease that ends at once to be refused", reply)
    holder = bench.take()
    for length in (0.0, -1.0):
        reply = bench.call(Extend("a", holder.token, length))
        bench.expect(isinstance(reply, Refused), "such an extension to be refused", reply)
    settled = bench.say(word("ack", holder))
    bench.expect(settled.accepted, "the holder to keep its lease", settled)


def a_word_about_a_strange_job_is_refused(bench: Bench, how: Says) -> None:
    settled = bench.say(word(how, Delivery(Job("never enqueued"), 1, 1, LEASE_S)))
    bench.expect(not settled.accepted, f"the {how} of a job that nobody enqueued refused", settled)
    state = bench.state("never enqueued")
    bench.expect(state is None, "nothing to be known of such a job", state)


def a_word_of_nobody_is_refused(bench: Bench, how: Says) -> None:
    """Token 0 stands for no delivery: where nobody has had the job yet, it may match."""
    bench.enqueue(Job("a"))
    settled = bench.say(word(how, Delivery(Job("a"), 0, 0, LEASE_S)))
    bench.expect(not settled.accepted, f"the {how} of somebody without a delivery refused", settled)
    state = bench.state("a")
    bench.expect(state == "ready", "the job to be ready still", state)


def nobody_extends_what_is_settled(bench: Bench, how: Says) -> None:
    bench.enqueue(Job("a", retry=RetryPolicy(20.0, 2.0, 60.0, "none")))
    holder = bench.take()
    bench.say(word(how, holder))
    settled = bench.say(word("extend", holder))
    bench.expect(not settled.accepted, f"an extension after the {how} to be refused", settled)


def every_attempt_is_kept_with_its_error(bench: Bench) -> None:
    """By number, in their order: a failure, a holder who was never heard of, the last one."""
    bench.enqueue(Job("a", max_deliveries=3))
    bench.say(word("nack", bench.take()))
    crashed = after_backoff(bench)
    bench.wait(PAST_S)
    last = after_backoff(bench)
    bench.say(Nack("a", last.token, "the record is gone", permanent=True))
    attempts = [attempt for letter in bench.dead() for attempt in letter.attempts]
    numbers = [attempt.number for attempt in attempts]
    wanted = [crashed.number - 1, crashed.number, last.number]
    bench.expect(numbers == wanted, f"the attempts {wanted} in the dead letter", numbers)
    errors = [attempt.error for attempt in attempts]
    bench.expect("it broke" in errors[0], "the error of attempt 1, 'it broke'", repr(errors[0]))
    bench.expect(bool(errors[1]), "how attempt 2 ended, whose holder was never heard of", "nothing")
    workers = {attempt.worker for attempt in attempts} - {""}
    bench.expect(workers <= {"w1"}, "each attempt to tell its worker, 'w1'", sorted(workers))
    times = [(attempt.started_at, attempt.ended_at) for attempt in attempts]
    flat = [at for pair in times for at in pair]
    ordered = flat == sorted(flat) and times[1][0] < times[1][1]
    wanted_times = "attempts that begin and end one after the other"
    bench.expect(ordered or not any(flat), wanted_times, times)
    told = "the record is gone"
    bench.expect(told in errors[2], f"the error of attempt 3, {told!r}", repr(errors[2]))


def a_listing_is_in_order_and_no_longer_than_asked_for(bench: Bench) -> None:
    """In the order in which they died, whatever the order in which they came."""
    for name in ("a", "b", "c"):
        bench.enqueue(Job(name, queue=name))
    for name in ("c", "a", "b"):
        holder = bench.take(queues=(name,))
        bench.say(Nack(name, holder.token, "it is gone", permanent=True))
        bench.wait(1.0)
    for limit, wanted in ((1000, ["c", "a", "b"]), (2, ["c", "a"]), (0, [])):
        reply = bench.call(ListDead(limit=limit))
        found = [x.job.id for x in reply.letters] if isinstance(reply, DeadLetters) else reply
        bench.expect(found == wanted, f"the {limit} oldest dead letters, {wanted}", found)


def each_dead_letter_is_listed_once_however_many_there_are(bench: Bench) -> None:
    """More than any queue would answer in one page: whoever reads pages must not miss a letter."""
    wanted = [f"dead-{number}" for number in range(MANY_LETTERS)]
    for name in wanted:
        bench.enqueue(Job(name))
        holder = bench.take()
        bench.say(Nack(holder.job.id, holder.token, "it is gone", permanent=True))
    found = [letter.job.id for letter in bench.dead(limit=2 * MANY_LETTERS)]
    twice = len(found) - len(set(found))
    missing = len(set(wanted) - set(found))
    told = f"{MANY_LETTERS} dead letters, each once"
    bench.expect(not missing and not twice, told, f"{missing} missing, {twice} listed twice")


def what_waits_is_counted(bench: Bench) -> None:
    """How many jobs are due, and for how long, as far as the queue can tell (an age of 0: not).

    What is not due yet may be left out: each job is asked about when nothing is counted.
    """

    def counted(ready: int, waiting: int, oldest_s: float) -> None:
        reply = bench.call(Measure())
        depths = reply.depths if isinstance(reply, Measured) else ()
        for depth in (depth for depth in depths if depth.state == "ready"):
            for what, wanted, found in (
                ("ready jobs", waiting if depth.count == waiting else ready, depth.count),
                ("jobs that wait", waiting, depth.waiting),
                ("s of age of the oldest", oldest_s, depth.oldest_s or None),
                ("s of the longest wait", oldest_s, depth.waiting_s or None),
            ):
                right = found is None or abs(found - wanted) < 0.1
                bench.expect(right, f"{wanted:g} {what} to be told", found)

    bench.wait(7.0)
    bench.enqueue(Job("first"))
    bench.wait(0.05)
    counted(1, 1, 0.05)
    bench.wait(4.95)
    bench.enqueue(Job("second"))
    bench.wait(3.0)
    if bench.claims.delays:
        bench.enqueue(Job("delayed", delay_s=100.0))
    bench.wait(1.0)
    counted(3 if bench.claims.delays else 2, 2, 9.0)


def what_is_not_done_is_not_forgotten(bench: Bench) -> None:
    """However long it waits, and whoever keeps house meanwhile."""
    if bench.claims.dead_letters:
        bench.enqueue(Job("dead"))
        bench.say(Nack("dead", bench.take().token, "it is gone", permanent=True))
    bench.enqueue(Job("ready"))
    bench.wait(LONG_S)
    bench.keep_house()
    bench.enqueue(Job("new"))  # by now whoever keeps house when he is called has done so
    wanted = {"ready": "ready", "new": "ready"}
    if bench.claims.dead_letters:
        wanted["dead"] = "dead"
    for job_id, state in wanted.items():
        found = bench.state(job_id)
        bench.expect(found == state, f"it to be {state} after ten days", found)
    found_ids = {bench.take().job.id for _ in ("ready", "new")}
    bench.expect(found_ids == {"ready", "new"}, "both jobs to be handed out", sorted(found_ids))


def what_is_done_is_remembered_as_long_as_was_said(bench: Bench) -> None:
    """The bench's queue was told to remember for ``RETENTION_S`` seconds."""
    bench.wait(3 * RETENTION_S)  # so that what has no time at all is old, too
    bench.enqueue(Job("a", key="charge-7"))
    bench.say(word("ack", bench.take()))
    bench.wait(0.8 * RETENTION_S)
    bench.keep_house()
    if bench.claims.idempotent_enqueue:
        found = bench.enqueue(Job("a"))
        bench.expect(not found, "created=False for a job that is remembered", "created=True")
    if bench.claims.skips_completed_keys:
        bench.enqueue(Job("b", key="charge-7"))
        again = bench.lease()
        bench.expect(again is None, "no job whose key is remembered as completed", again)
        bench.keep_house()
        if bench.claims.idempotent_enqueue:
            found = bench.enqueue(Job("b", key="charge-7"))
            bench.expect(not found, "created=False for a job that was skipped", "created=True")
    bench.wait(10 * RETENTION_S)
    bench.keep_house()
    bench.wait(RETENTION_S)
    bench.keep_house()
    state = bench.state("a")
    bench.expect(state is None, f"a job to be forgotten {RETENTION_S:g} s after it was done", state)
    if bench.claims.skips_completed_keys:
        bench.enqueue(Job("c", key="charge-7"))
        bench.take()
