"""What must stay so when the queue's server dies, or a clock is put wrong: short conversations.

A crash comes between two steps of what the queue does, where work is lost that is in neither of
two places, and where what was only in memory is forgotten. Each takes a fresh bench.
"""

from __future__ import annotations

from typing import Literal

from ...protocol.commands import Job, Nack
from .bench import Bench
from .conversations import PAST_S, after_backoff, expect_never_again, notice, word

Whose = Literal["server", "caller"]
JUMP_S = 1000.0


def a_crash_of_the_server_loses_nothing(bench: Bench) -> None:
    for name in ("a", "b", "c"):
        bench.enqueue(Job(name))
    done = bench.take().job.id
    bench.crash()
    bench.wait(PAST_S)
    found = {after_backoff(bench).job.id for _ in "abc"}
    bench.expect(
        found == {"a", "b", "c"}, f"a, b, c after the crash ({done} was held)", sorted(found)
    )


def a_crash_as_a_delayed_job_falls_due_loses_nothing(bench: Bench) -> None:
    bench.enqueue(Job("a", delay_s=5.0))
    bench.wait(5.5)
    bench.lease()
    bench.crash()
    bench.wait(PAST_S)
    after_backoff(bench)


def a_crash_after_a_replay_loses_nothing(bench: Bench) -> None:
    bench.enqueue(Job("a"))
    holder = bench.take()
    bench.say(Nack("a", holder.token, "the record is gone", permanent=True))
    found = bench.replay("a")
    bench.expect(found == ("a",), "the dead letter to be replayed", found)
    bench.crash()
    after_backoff(bench)


def a_crash_after_an_ack_forgets_no_key(bench: Bench) -> None:
    for name in ("a", "b"):
        bench.enqueue(Job(name, key="charge-7"))
    bench.say(word("ack", bench.take()))
    bench.crash()
    expect_never_again(bench, "no second job with the key that was completed before the crash")


def a_crash_after_an_ack_brings_nothing_back(bench: Bench) -> None:
    bench.enqueue(Job("a"))
    settled = bench.say(word("ack", bench.take()))
    bench.expect(settled.accepted, "the ack of the holder to be accepted", settled)
    bench.crash()
    bench.wait(PAST_S)
    found = bench.lease()
    bench.expect(found is None, "no job after the crash (a was acknowledged)", found)


def a_crash_as_a_lease_is_taken_back_holds_up_no_other(bench: Bench) -> None:
    bench.enqueue(Job("a"))
    bench.take()
    bench.wait(PAST_S)
    notice(bench)
    bench.crash()
    for number in (2, 3):
        found = after_backoff(bench).number
        # Who bounds none may forget how many there were.
        counts = bench.claims.bounded_deliveries and bench.claims.own_bounds
        bench.expect(found == number or not counts, f"delivery number {number}", found)
        bench.wait(PAST_S)


def no_clock_that_jumps_ends_a_lease_or_holds_it(bench: Bench, whose: Whose) -> None:
    """The clock of the queue's server or of whoever calls is put wrong, and right again."""

    def jump(ahead_s: float) -> None:
        if whose == "server":
            bench.server_ahead_s = ahead_s
        else:
            bench.caller_ahead_s = ahead_s

    bench.enqueue(Job("a"))
    if bench.claims.delays:
        bench.enqueue(Job("delayed", delay_s=JUMP_S / 2))
    holder = bench.take()
    for ahead_s in (JUMP_S, 0.0, -JUMP_S):
        jump(ahead_s)
        bench.wait(1.0)
        early = bench.lease()
        told = f"every job to stay where it is while the {whose}'s clock is off by {ahead_s:g} s"
        bench.expect(early is None, told, early)
    settled = bench.say(word("extend", holder))
    bench.expect(settled.accepted, "the holder of a living lease to extend it", settled)
    bench.wait(PAST_S)
    second = after_backoff(bench)
    bench.expect(second.job.id == "a", "the lease to end in its time", second.job.id)
