"""The state machine: Hypothesis does to a queue whatever comes to its mind, beside the model.

Draws only what the backend claims to understand. Leases end and jobs fall due between the
moments of the clock, so that nothing hangs on how a queue treats the very boundary.
"""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from msgspec.structs import replace

from ...backends.adapter import Adapter, Claims
from ...protocol.commands import (
    HELD,
    Ack,
    Enqueue,
    Enqueued,
    Extend,
    Job,
    Measure,
    Measured,
    Nack,
    Refused,
    Release,
    RetryPolicy,
)
from .bench import Bench
from .model import Model, Word

QUEUES = ("mail", "Mail")  # names that are easily taken for one another
IDS = ("a", "A", "a*", "a:1", "å")
NO_BOUND = 1000
NO_TIMEOUT_S = 300.5
QUICK = settings(
    max_examples=100,
    stateful_step_count=30,
    deadline=None,
    print_blob=True,
    phases=[phase for phase in Phase if phase is not Phase.explain],  # the steps explain enough
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
JOBS = st.builds(
    Job,
    id=st.sampled_from(IDS),
    queue=st.sampled_from(QUEUES),
    payload=st.sampled_from((b"", b"\x00\xff\x00", b"other")),
    key=st.none() | st.sampled_from(("key-1", "key-2")),
    priority=st.sampled_from((0, 1, 1_000_000, -1, -1_000_000)),
    delay_s=st.sampled_from((0.0, 1.25)),
    max_deliveries=st.integers(1, 3),
    timeout_s=st.sampled_from((NO_TIMEOUT_S, 4.5)),
    retry=st.builds(
        RetryPolicy,
        st.just(0.75),
        st.just(2.0),
        st.just(2.25),
        st.sampled_from(("none", "full", "equal", "decorrelated")),
    ),
    max_waiting=st.none() | st.integers(1, 2),
)
LEASES_S = st.sampled_from((2.5, 6.5))
WORDS = ("ack", "nack", "permanent", "extend", "release")


def understood(job: Job, claims: Claims) -> Job:
    """The job without what the backend does not claim."""
    dies = claims.bounded_deliveries and claims.dead_letters
    return replace(
        job,
        key=job.key if claims.skips_completed_keys else None,
        delay_s=job.delay_s if claims.delays else 0.0,
        max_deliveries=job.max_deliveries if dies else NO_BOUND,
        max_waiting=job.max_waiting if claims.bounded_backlog else None,
        timeout_s=job.timeout_s if claims.timeouts else NO_TIMEOUT_S,
    )


def machine(adapter: Adapter) -> type[RuleBasedStateMachine]:
    """The machine for this adapter."""

    class QueueBesideModel(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.bench = Bench(adapter)
            self.model = Model(adapter.claims, self.bench.expect)

        @rule(seconds=st.sampled_from((1.0, 3.0, 10.0)))
        def time_passes(self, seconds: float) -> None:
            self.bench.wait(seconds)

        @rule(job=JOBS)
        def enqueue(self, job: Job) -> None:
            if job.id in self.model.jobs and not adapter.claims.idempotent_enqueue:
                return
            job = understood(job, adapter.claims)
            room = self.model.room_for(job, self.bench.now)
            reply = self.bench.call(Enqueue(job))
            if room is not True and isinstance(reply, Refused):
                return
            self.bench.expect(
                isinstance(reply, Enqueued) and room is not False,
                f"job {job.id!r} to be {'refused' if room is False else 'accepted'}",
                reply,
            )
            assert isinstance(reply, Enqueued)
            self.model.enqueued(job, reply.created, self.bench.now)

        @rule(queues=st.sampled_from((QUEUES, QUEUES[:1], QUEUES[1:])), lease_s=LEASES_S)
        def lease(self, queues: tuple[str, ...], lease_s: float) -> None:
            self.model.asked(self.bench.now)
            delivery = self.bench.lease(lease_s, queues)
            self.model.handed_out(delivery, queues, self.bench.now)

        @precondition(lambda self: self.model.deliveries)
        @rule(how=st.sampled_from(WORDS), back=st.integers(0, 5), lease_s=LEASES_S)
        def a_holder_speaks(self, how: str, back: int, lease_s: float) -> None:
            """One who was handed a job, now or long ago."""
            delivery = self.model.deliveries[-1 - back % len(self.model.deliveries)]
            job_id, token = delivery.job.id, delivery.token
            words: dict[str, Word] = {
                "ack": Ack(job_id, token),
                "nack": Nack(job_id, token, "it broke"),
                "permanent": Nack(job_id, token, "it is gone", permanent=True),
                "extend": Extend(job_id, token, lease_s),
                "release": Release(job_id, token),
            }
            must = self.model.must_accept(words[how], self.bench.now)
            if must is False and not adapter.claims.fencing:
                return
            if how == "permanent" and not adapter.claims.dead_letters:
                return
            if how == "nack" and not adapter.claims.retries:
                return
            reply = self.bench.say(words[how])
            self.bench.expect(
                must is None or reply.accepted == must,
                f"{words[how]} to be {'accepted' if must else 'refused'} at {self.bench.now:g} s",
                reply,
            )
            if must:
                self.model.said(words[how], self.bench.now)

        @precondition(lambda self: adapter.claims.dead_letters and self.model.jobs)
        @rule(job_ids=st.sets(st.sampled_from((*IDS, "never enqueued")), min_size=1))
        def replay(self, job_ids: set[str]) -> None:
            wanted = tuple(sorted(job_ids))
            self.model.replayed(wanted, self.bench.replay(*wanted), self.bench.now)

        @invariant()
        def it_says_of_each_job_what_is_so(self) -> None:
            for job_id in (*self.model.jobs, "never enqueued"):
                states, found = self.model.states(job_id, self.bench.now), self.bench.state(job_id)
                told = " or ".join(sorted(map(str, states)))
                self.bench.expect(
                    found in states, f"the queue to say that job {job_id!r} is {told}", found
                )

        @invariant()
        def the_count_of_what_is_left_to_do_is_right(self) -> None:
            measured = self.bench.call(Measure())
            self.bench.expect(
                isinstance(measured, Measured), "Measured in answer to Measure", measured
            )
            assert isinstance(measured, Measured)
            least, most = self.model.pending(self.bench.now)
            found = sum(depth.count for depth in measured.depths if depth.state in HELD)
            self.bench.expect(
                least <= found <= most,
                f"from {least} to {most} jobs to be counted as ready or leased",
                found,
            )

        @precondition(lambda self: adapter.claims.dead_letters)
        @invariant()
        def its_dead_letters_are_the_jobs_given_up_on_and_say_why(self) -> None:
            letters = {letter.job.id: letter for letter in self.bench.dead()}
            for job_id, known in self.model.jobs.items():
                if known.ended(self.bench.now):
                    continue
                self.bench.expect(
                    (job_id in letters) == (known.state == "dead"),
                    f"job {job_id!r} {'' if known.state == 'dead' else 'not '}to be a dead letter",
                    f"dead letters {sorted(letters)}",
                )
                if job_id in letters:
                    reason = letters[job_id].reason
                    told = known.error or "a reason"
                    self.bench.expect(
                        bool(reason) and known.error in reason,
                        f"the dead letter of job {job_id!r} to tell {told!r}",
                        repr(reason),
                    )

    return QueueBesideModel
