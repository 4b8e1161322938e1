"""What a job keeps when it comes back, and what is kept of one that does not: short conversations.

As in :mod:`.conversations`: each has a name that says which practice is missing.
"""

from __future__ import annotations

from ...protocol.commands import Delivery, Job, Nack, RetryPolicy
from .bench import Bench
from .conversations import PAST_S, after_backoff, word


def tokens_only_grow(bench: Bench) -> None:
    """Whatever ended the deliveries before: a hand-back, a failure, an operator's replay."""
    bench.enqueue(Job("a", max_deliveries=2))
    token = 0
    for how in ("release", "nack", "nack", "release"):
        holder = after_backoff(bench)
        bench.expect(holder.token > token, f"a token above {token}", holder.token)
        token = holder.token
        bench.say(word(how, holder))
        if bench.state("a") == "dead":
            bench.replay("a")


def a_job_is_as_urgent_as_ever_when_it_comes_back(bench: Bench) -> None:
    """After it failed, after it was handed back, and after its worker died."""
    at_once = RetryPolicy(base_s=0.0, factor=1.0, cap_s=0.0, jitter="none")
    bench.enqueue(Job("urgent", priority=2, retry=at_once))
    bench.enqueue(Job("other", priority=1))

    def urgent(after: str) -> Delivery:
        holder = bench.take()
        found = holder.job.id
        bench.expect(found == "urgent", f"the urgent job first after {after}", repr(found))
        return holder

    holder = urgent("nothing")
    if bench.claims.retries:
        bench.say(word("nack", holder))
        holder = urgent("a failure")
    bench.say(word("release", holder))
    urgent("a hand-back")
    bench.wait(PAST_S)
    urgent("the death of its worker")


def a_duplicate_hides_no_job_behind_it(bench: Bench) -> None:
    for name, key in (("a", "charge-7"), ("again", "charge-7"), ("b", "charge-8")):
        bench.enqueue(Job(name, key=key))
        bench.wait(0.1)
    bench.say(word("ack", bench.take()))
    found = bench.take().job.id
    bench.expect(found == "b", "the job behind the duplicate", repr(found))


def dead_letters_keep_their_attempts(bench: Bench) -> None:
    bench.enqueue(Job("a", max_deliveries=3))
    errors = ["the first error", "the second error", "the third error"]
    for error in errors:
        holder = after_backoff(bench)
        bench.say(Nack("a", holder.token, error))
    for letter in bench.dead():
        found = [attempt.error for attempt in letter.attempts]
        told = len(found) == 3 and all(e in f for e, f in zip(errors, found, strict=True))
        bench.expect(told, f"the attempts of job 'a' to tell {errors}", found)


def dead_letters_tell_why_and_can_be_found(bench: Bench) -> None:
    for name, queue in (("a", "mail"), ("b", "orders")):
        bench.enqueue(Job(name, queue=queue))
        holder = bench.take(queues=(queue,))
        bench.say(Nack(name, holder.token, f"{name} is malformed", permanent=True))
    for found, wanted in (
        (bench.dead(), ["a", "b"]),
        (bench.dead(queue="mail"), ["a"]),
        (bench.dead(reason="b is"), ["b"]),
    ):
        names = sorted(letter.job.id for letter in found)
        bench.expect(names == wanted, f"the dead letters {wanted}", names)
        for letter in found:
            told = f"{letter.job.id} is malformed"
            bench.expect(told in letter.reason, f"the reason {told!r}", repr(letter.reason))
            bench.expect(bool(letter.attempts), f"the attempts of {letter.job.id!r}", "none")


def a_replayed_dead_letter_has_a_fresh_budget(bench: Bench) -> None:
    bench.enqueue(Job("a", max_deliveries=2))
    for _ in range(2):
        bench.say(word("nack", after_backoff(bench)))
    for ids, wanted in (("a",), ("a",)), (("a", "never enqueued"), ()):
        found = bench.replay(*ids)
        bench.expect(found == wanted, f"{wanted or 'nothing'} to be replayed", found)
    for _ in range(2):
        bench.say(word("nack", after_backoff(bench)))
    state = bench.state("a")
    bench.expect(state == "dead", "it to be dead again after 2 more deliveries", state)
