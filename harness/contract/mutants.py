"""The positive control: wrappers that break any adapter from outside, one mistake each.

    class TestBroken(QueueContract):
        backend = broken(MY_QUEUE, "acks_dropped")  # must fail

A mistake sees each command on its way to the queue and each reply on its way back; the queue
itself is not touched. ``MISTAKES`` says for each which test of the contract must fail. A suite
that passes here could not have found the same mistake in the queue.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from msgspec.structs import replace

from ...backends.adapter import Queue
from ...protocol.clock import Clock
from ...protocol.commands import (
    Ack,
    Command,
    DeadLetters,
    Enqueue,
    Enqueued,
    Extend,
    Inspect,
    Inspected,
    Job,
    Lease,
    Leased,
    ListDead,
    Nack,
    Refused,
    Release,
    Replay,
    Replayed,
    Reply,
    Settled,
)

Call = Callable[[Command], Reply]
Meddle = Callable[[Command, Call], Reply]


class Mistake(NamedTuple):
    """``make`` gives a fresh meddler for a fresh queue; ``caught_by`` names a test."""

    make: Callable[[], Meddle]
    caught_by: str


def _plainly(meddle: Meddle) -> Callable[[], Meddle]:
    """For a mistake that remembers nothing."""
    return lambda: meddle


def _on_enqueue(change: Callable[[Job], Job]) -> Callable[[], Meddle]:
    """The queue gets another job than was enqueued; workers are shown the one that was."""

    def make() -> Meddle:
        meant: dict[str, Job] = {}

        def meddle(command: Command, call: Call) -> Reply:
            if isinstance(command, Enqueue):
                meant.setdefault(command.job.id, command.job)
                command = Enqueue(change(command.job))
            reply = call(command)
            if isinstance(reply, Leased) and reply.delivery:
                job = meant[reply.delivery.job.id]
                reply = Leased(replace(reply.delivery, job=job))
            return reply

        return meddle

    return make


def _as_said(command: Command, call: Call) -> Reply:
    return call(command)


def _acks_dropped(command: Command, call: Call) -> Reply:
    return Settled(True) if isinstance(command, Ack) else call(command)


def _extensions_dropped(command: Command, call: Call) -> Reply:
    return Settled(True) if isinstance(command, Extend) else call(command)


def _stale_words_accepted(command: Command, call: Call) -> Reply:
    reply = call(command)
    return Settled(True) if isinstance(reply, Settled) else reply


def _released_jobs_acked(command: Command, call: Call) -> Reply:
    return call(Ack(command.job_id, command.token) if isinstance(command, Release) else command)


def _permanent_retried(command: Command, call: Call) -> Reply:
    return call(replace(command, permanent=False) if isinstance(command, Nack) else command)


def _failures_released(command: Command, call: Call) -> Reply:
    """A failure goes back as if nothing had been tried: no backoff, no bound."""
    if isinstance(command, Nack) and not command.permanent:
        return call(Release(command.job_id, command.token))
    return call(command)


def _reasons_lost(command: Command, call: Call) -> Reply:
    reply = call(command)
    if isinstance(reply, DeadLetters):
        return DeadLetters(tuple(replace(letter, reason="?") for letter in reply.letters))
    return reply


def _replays_dropped(command: Command, call: Call) -> Reply:
    if not isinstance(command, Replay):
        return call(command)
    letters = call(ListDead())
    dead = {x.job.id for x in letters.letters} if isinstance(letters, DeadLetters) else set()
    return Replayed(tuple(job_id for job_id in command.job_ids if job_id in dead))


def _repeats_unknown(command: Command, call: Call) -> Reply:
    """The producer who repeats an enqueue is told that the job is another one."""
    reply = call(command)
    return Enqueued(True) if isinstance(reply, Enqueued) else reply


def _one_job_in_seven_forgotten() -> Meddle:
    seen = 0

    def meddle(command: Command, call: Call) -> Reply:
        nonlocal seen
        if isinstance(command, Enqueue):
            seen += 1
            if seen % 7 == 0:
                return Enqueued(True)
        return call(command)

    return meddle


def _leased_jobs_handed_out_again() -> Meddle:
    """Whoever finds the queue empty is handed what somebody else has."""
    last = Leased(None)

    def meddle(command: Command, call: Call) -> Reply:
        nonlocal last
        reply = call(command)
        if isinstance(command, Lease) and isinstance(reply, Leased):
            if reply.delivery is None:
                return last
            last = reply
        if isinstance(command, Ack | Nack | Release):
            last = Leased(None)
        return reply

    return meddle


def _tokens_reused() -> Meddle:
    """Every holder of a job gets the token of the first, so nobody can tell them apart."""
    current: dict[str, int] = {}

    def meddle(command: Command, call: Call) -> Reply:
        if isinstance(command, Ack | Nack | Extend | Release) and command.token == 1:
            command = replace(command, token=current.get(command.job_id, 1))
        reply = call(command)
        if isinstance(reply, Leased) and reply.delivery:
            current[reply.delivery.job.id] = reply.delivery.token
            return Leased(replace(reply.delivery, token=1))
        return reply

    return meddle


def _queues_mixed_up() -> Meddle:
    """A worker that finds nothing in its own queues is given something from the others."""
    queues: set[str] = set()

    def meddle(command: Command, call: Call) -> Reply:
        if isinstance(command, Enqueue):
            queues.add(command.job.queue)
        reply = call(command)
        if isinstance(command, Lease) and reply == Leased(None):
            return call(replace(command, queues=tuple(sorted(queues))))
        return reply

    return meddle


def _nonsense_accepted(command: Command, call: Call) -> Reply:
    """What the queue refuses is answered as if it had been held."""
    reply = call(command)
    if isinstance(command, Enqueue) and isinstance(reply, Refused):
        return reply if command.job.max_waiting else Enqueued(True)
    return reply


def _short_pauses_refused(command: Command, call: Call) -> Reply:
    if isinstance(command, Enqueue) and command.job.retry.cap_s < 1.0:
        return Refused("expected a cap of at least a second")
    return call(command)


def _strangers_believed(command: Command, call: Call) -> Reply:
    """Whoever speaks of a job that is not there is told that all is well."""
    if isinstance(command, Ack | Nack | Extend | Release):
        known = call(Inspect(command.job_id))
        if isinstance(known, Inspected) and known.state is None:
            return Settled(True)
    return call(command)


def _settled_extended(command: Command, call: Call) -> Reply:
    """A heartbeat is answered kindly, also when the job is done."""
    reply = call(command)
    if isinstance(command, Extend) and isinstance(reply, Settled) and not reply.accepted:
        known = call(Inspect(command.job_id))
        done = isinstance(known, Inspected) and known.state == "done"
        return Settled(True) if done else reply
    return reply


def _any_death_undone(command: Command, call: Call) -> Reply:
    """A replay is carried out whichever death it names."""
    return call(Replay(command.job_ids) if isinstance(command, Replay) else command)


def _attempts_lost(command: Command, call: Call) -> Reply:
    """A dead letter keeps its last attempt only."""
    reply = call(command)
    if isinstance(reply, DeadLetters):
        return DeadLetters(tuple(replace(x, attempts=x.attempts[-1:]) for x in reply.letters))
    return reply


def _listings_without_end(command: Command, call: Call) -> Reply:
    return call(replace(command, limit=1000) if isinstance(command, ListDead) else command)


def _one_page_only(command: Command, call: Call) -> Reply:
    """A listing ends with its first page, however many letters there are."""
    reply = call(command)
    if isinstance(reply, DeadLetters):
        return DeadLetters(reply.letters[:PAGE])
    return reply


PAGE = 100
FOR_EVER_S = 1e6
A_DAY_S = 86_400.0
MISTAKES: dict[str, Mistake] = {
    "acks_dropped": Mistake(_plainly(_acks_dropped), "test_a_completed_job_is_over"),
    "extensions_dropped": Mistake(
        _plainly(_extensions_dropped), "test_an_extended_lease_lasts_longer"
    ),
    "stale_words_accepted": Mistake(
        _plainly(_stale_words_accepted), "test_the_word_of_a_zombie_is_refused"
    ),
    "released_jobs_acked": Mistake(
        _plainly(_released_jobs_acked), "test_workers_that_are_told_to_stop_drop_nothing"
    ),
    "permanent_retried": Mistake(
        _plainly(_permanent_retried), "test_a_permanent_failure_is_not_retried"
    ),
    "failures_released": Mistake(_plainly(_failures_released), "test_deliveries_are_bounded"),
    "reasons_lost": Mistake(_plainly(_reasons_lost), "test_dead_letters_tell_why_and_can_be_found"),
    "replays_dropped": Mistake(
        _plainly(_replays_dropped), "test_a_replayed_dead_letter_has_a_fresh_budget"
    ),
    "repeats_unknown": Mistake(_plainly(_repeats_unknown), "test_an_enqueue_may_be_repeated"),
    "one_job_in_seven_forgotten": Mistake(_one_job_in_seven_forgotten, "test_nothing_is_forgotten"),
    "leased_jobs_handed_out_again": Mistake(
        _leased_jobs_handed_out_again, "test_a_lease_is_exclusive_until_it_ends"
    ),
    "tokens_reused": Mistake(_tokens_reused, "test_the_word_of_a_zombie_is_refused"),
    "queues_mixed_up": Mistake(_queues_mixed_up, "test_a_worker_gets_only_jobs_of_its_queues"),
    "delays_ignored": Mistake(
        _on_enqueue(lambda job: replace(job, delay_s=0.0)), "test_a_delay_is_kept"
    ),
    "priorities_ignored": Mistake(
        _on_enqueue(lambda job: replace(job, priority=0)), "test_urgent_jobs_overtake_a_burst"
    ),
    "timeouts_ignored": Mistake(
        _on_enqueue(lambda job: replace(job, timeout_s=FOR_EVER_S)),
        "test_no_extension_outlasts_the_timeout",
    ),
    "limits_ignored": Mistake(
        _on_enqueue(lambda job: replace(job, max_waiting=None)), "test_an_overloaded_queue_refuses"
    ),
    "keys_ignored": Mistake(
        _on_enqueue(lambda job: replace(job, key=None)),
        "test_work_whose_key_is_completed_is_not_done_again",
    ),
    "backoff_ignored": Mistake(
        _on_enqueue(lambda job: replace(job, retry=replace(job.retry, cap_s=0.0))),
        "test_retries_wait_for_their_backoff",
    ),
    "jitter_ignored": Mistake(
        _on_enqueue(lambda job: replace(job, retry=replace(job.retry, jitter="none"))),
        "test_retries_do_not_come_in_lockstep",
    ),
    "jitter_halved": Mistake(
        _on_enqueue(lambda job: replace(job, retry=replace(job.retry, jitter="equal"))),
        "test_jitter_uses_all_of_its_range",
    ),
    "any_death_undone": Mistake(
        _plainly(_any_death_undone), "test_a_replay_undoes_the_death_that_it_names"
    ),
    "bound_ignored": Mistake(
        _on_enqueue(lambda job: replace(job, max_deliveries=1000)),
        "test_a_poison_job_ends_and_harms_nobody_else",
    ),
    "nonsense_accepted": Mistake(_plainly(_nonsense_accepted), "test_a_senseless_job_is_refused"),
    "short_pauses_refused": Mistake(
        _plainly(_short_pauses_refused), "test_a_legal_job_is_accepted"
    ),
    "strangers_believed": Mistake(
        _plainly(_strangers_believed), "test_a_word_about_a_strange_job_is_refused"
    ),
    "settled_extended": Mistake(_plainly(_settled_extended), "test_nobody_extends_what_is_settled"),
    "attempts_lost": Mistake(_plainly(_attempts_lost), "test_every_attempt_is_kept_with_its_error"),
    "listings_without_end": Mistake(
        _plainly(_listings_without_end), "test_a_listing_is_in_order_and_no_longer_than_asked_for"
    ),
    "one_page_only": Mistake(
        _plainly(_one_page_only), "test_each_dead_letter_is_listed_once_however_many_there_are"
    ),
    # These are not in what is said: see the queue and the adapter below.
    "memory_lost_in_a_crash": Mistake(_plainly(_as_said), "test_the_server_may_crash_under_load"),
    "letters_forgotten": Mistake(_plainly(_as_said), "test_what_is_not_done_is_not_forgotten"),
    "wall_clock_trusted": Mistake(
        _plainly(_as_said), "test_no_clock_that_jumps_ends_a_lease_or_holds_it"
    ),
}


class BrokenQueue:
    """A queue with somebody between it and its callers; ``fresh`` makes one with no jobs."""

    def __init__(self, fresh: Callable[[], Queue], mistake: str, clock: Clock) -> None:
        self._fresh = fresh
        self._now = clock.monotonic
        self._drops_letters = mistake == "letters_forgotten"
        self._forgets = mistake == "memory_lost_in_a_crash"
        self._queue = fresh()
        self._meddle = MISTAKES[mistake].make()

    def call(self, command: Command) -> Reply:
        reply = self._meddle(command, self._queue.call)
        if self._drops_letters and isinstance(reply, Inspected) and reply.state == "dead":
            return Inspected(None) if self._now() > A_DAY_S else reply
        return reply

    def next_change_at(self, queues: tuple[str, ...]) -> float | None:
        return self._queue.next_change_at(queues)

    def crash(self) -> None:
        if self._forgets:
            self._queue = self._fresh()
        else:
            self._queue.crash()
