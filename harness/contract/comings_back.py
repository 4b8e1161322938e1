"""What a job keeps when it comes back, and what is kept of one that does not: short conversations.

As in :mod:`.conversations`: each has a name that says which practice is missing.
"""

from __future__ import annotations

from ...protocol.commands import Delivery, Jitter, Job, Nack, Replay, Replayed, RetryPolicy
from ..spec.backoff import backoff
from .bench import Bench
from .conversations import PAST_S, after_backoff, word

CROWD = 60  # that none of so many comes in a quarter of the range is no chance


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


def a_replay_undoes_the_death_that_it_names(bench: Bench) -> None:
    """One that comes late leaves a job alone that was replayed before it and has died again."""
    bench.enqueue(Job("a", max_deliveries=1))

    def died_of() -> int:
        bench.say(word("nack", after_backoff(bench)))
        numbers = [attempt.number for letter in bench.dead() for attempt in letter.attempts]
        return numbers[-1] if numbers else 0

    first = died_of()
    bench.replay("a")
    second = died_of()
    if not first or first == second:
        return  # the queue does not tell of what a job died
    for token, wanted in ((first, ()), (second, ("a",))):
        reply = bench.call(Replay(("a",), (token,)))
        found = reply.job_ids if isinstance(reply, Replayed) else reply
        told = f"{'the job' if wanted else 'nothing'} to be replayed, which died of {second}"
        bench.expect(found == wanted, told, found)


def jitter_uses_all_of_its_range(bench: Bench, jitter: Jitter) -> None:
    """Of many jobs that fail together some come back early in the range, and some late."""
    policy = RetryPolicy(base_s=8.0, factor=2.0, cap_s=1000.0, jitter=jitter)
    low_s, high_s = backoff(policy, 1)
    names = [f"job {number}" for number in range(CROWD)]
    for name in names:
        bench.enqueue(Job(name, retry=policy))
    for holder in [bench.take() for _ in names]:
        bench.say(word("nack", holder))
    waits_s = list[float]()
    step_s = (high_s - low_s) / 16
    bench.wait(low_s)
    for step in range(18):
        while (again := bench.lease()) is not None:
            waits_s.append(low_s + step * step_s)
            bench.say(word("ack", again))
        bench.wait(step_s)
    quarter_s = (high_s - low_s) / 4 + step_s
    told = f"{CROWD} retries between {low_s:g} and {high_s:g} s after the failure"
    bench.expect(len(waits_s) == CROWD, told, len(waits_s))
    early, late = min(waits_s), max(waits_s)
    spread = early <= low_s + quarter_s and late >= high_s - quarter_s
    bench.expect(spread, f"{told}, in all of that time", f"from {early:.3g} to {late:.3g} s")
