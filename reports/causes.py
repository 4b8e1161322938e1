"""From a broken guarantee, and what the history shows, to its likely cause and what prevents it.

Data, and the one function that looks it up. The first rule fits whose symptoms were all seen. A
rule speaks of likely causes: the history shows what happened, and not the code that let it.
"""

from __future__ import annotations

from typing import NamedTuple


class Advice(NamedTuple):
    """``expected`` is the promise; ``cause`` and ``practice`` are sentences for its author."""

    expected: str
    cause: str
    practice: str


class Rule(NamedTuple):
    """What to say when ``guarantee`` broke and all ``symptoms`` (:mod:`.symptoms`) were seen."""

    guarantee: str
    symptoms: tuple[str, ...]
    cause: str
    practice: str


EXPECTED = {
    "no_lost_work": "A job that the queue accepted has its effect, or lies in the dead letters, "
    "or is still held: it is never simply gone.",
    "no_duplicated_effects": "A job may be delivered more than once; what it does to the world "
    "happens once.",
    "no_starvation": "A job of a queue that promises a bounded wait gets a worker within it.",
    "no_phantoms": "Workers are handed only what somebody enqueued and was not refused.",
    "bounded_deliveries": "A job is handed out so many times and no more, and a delivery that "
    "ended in a crash counts.",
    "leases_exclusive": "While one worker holds the lease of a job nobody else is handed it, and "
    "whoever held an older lease is refused.",
    "progress_after_heal": "When the last fault is over, everything that was accepted ends.",
    "backoff_respected": "After a failure a job waits at least as long as its retry policy says.",
    "retries_spread": "Jobs that failed together do not come back together.",
    "permanent_failures": "A job that can never succeed goes to the dead letters at once.",
    "dead_letters_explained": "Every dead letter tells why it died.",
    "timeouts_enforced": "A job that overruns its timeout is ended, and its worker is free again.",
    "backlog_bounded": "A queue that is full refuses the next job, clearly and at once.",
    "faults_hit": "Every fault that the scenario is about struck a job in the phase it should.",
}
RULES = (
    Rule(
        "no_lost_work", ("replayed",),
        "The replay takes the dead letter out in one step and puts it back in another, or nowhere.",
        "Replay a dead letter in one transaction: it leaves the dead letters as it enters the "
        "queue.",
    ),
    Rule(
        "no_lost_work", ("failed", "acked before its effect"),
        "The job was given up on, and acknowledged before its dead letter was written.",
        "Write the dead letter and end the delivery in one transaction.",
    ),
    Rule(
        "no_lost_work", ("acked before its effect", "worker told to stop"),
        "A worker that was told to stop acknowledged the job that it had not finished.",
        "Shut down gracefully: finish what is in work within the grace period, or hand it back.",
    ),
    Rule(
        "no_lost_work", ("acked before its effect",),
        "The job was acknowledged before its work was done. From then on the queue had no reason "
        "to keep it, and nobody noticed that the work did not follow.",
        "Ack after the work, never before it (late acks).",
    ),
    Rule(
        "no_lost_work", ("counted as done", "worker kill", "redelivered"),
        "The queue, or the idempotency key, took the job for done before its effect was there, so "
        "the delivery after the crash skipped it.",
        "Record the idempotency key together with the completion, in one transaction.",
    ),
    Rule(
        "no_lost_work", ("delayed", "never handed out"),
        "The job was lost between delayed and ready: taken out of the one in one step and put "
        "into the other in another.",
        "Make a delayed job ready in one atomic step.",
    ),
    Rule(
        "no_lost_work", ("broker crash",),
        "The queue answered before the job was durable, so its crash took along what it had "
        "accepted.",
        "Answer an enqueue only when the job is on disk (fsync, or a quorum).",
    ),
    Rule(
        "no_lost_work", ("worker kill",),
        "When its worker died, no lease was left that could run out and bring the job back: "
        "receiving had removed it, or something had marked it done before it was.",
        "Hand jobs out under a lease, and mark them done only when the work is.",
    ),
    Rule(
        "no_lost_work", ("worker told to stop",),
        "The worker stopped with the job in its hands, and did not hand it back.",
        "Shut down gracefully: finish what is in work within the grace period, or hand it back.",
    ),
    Rule(
        "no_lost_work", ("network",),
        "A message was lost, and one side took silence for an answer: the job left the queue with "
        "a reply that nobody got.",
        "Hand jobs out under a lease, and let every call be repeated until it is answered.",
    ),
    Rule(
        "no_lost_work", ("failed",),
        "The job failed and was given up on, and its dead letter was not written, or not kept.",
        "Keep dead letters until somebody has dealt with them.",
    ),
    Rule(
        "no_lost_work", ("never handed out",),
        "The job was accepted, and was gone before any worker saw it: moved between two lists, or "
        "thrown away when it was old.",
        "Move a job from state to state in one atomic step, and throw nothing away by age.",
    ),
    Rule(
        "no_lost_work", (),
        "The queue let go of the job before it knew that the work was done.",
        "Let a job go only in the transaction that records its completion or its dead letter.",
    ),
    Rule(
        "no_duplicated_effects", ("submitted twice",),
        "The same work was submitted again, and nothing that lasts so long told the two apart.",
        "Give the work one idempotency key, and let whoever takes the effect keep it as long as "
        "repetitions may come.",
    ),
    Rule(
        "no_duplicated_effects", ("enqueue repeated",),
        "The producer heard no answer and repeated the enqueue, as it must; the queue took the "
        "repetition for another job, or had forgotten the first.",
        "Make the enqueue idempotent on the job's id, for longer than producers repeat.",
    ),
    Rule(
        "no_duplicated_effects", ("two at once", "delayed", "no fault"),
        "Two workers took the same delayed job when it became due, and neither asked whether it "
        "was the one who removed it.",
        "Make a delayed job ready in one atomic step, which only one can win.",
    ),
    Rule(
        "no_duplicated_effects", ("two at once", "no fault"),
        "A second worker was handed the job while the first was still at it, with no fault "
        "anywhere: the lease is shorter than the job, and nobody extends it in time.",
        "Extend the lease while the job runs, from something that the job cannot block.",
    ),
    Rule(
        "no_duplicated_effects", ("two at once",),
        "Two deliveries of the job ran at once, and each applied the effect.",
        "Use one idempotency key for all deliveries of a job, and refuse whoever lost the lease "
        "(fencing tokens).",
    ),
    Rule(
        "no_duplicated_effects", ("struck after its effect",),
        "The effect was there and the ack was not, so the job was rightly delivered again; the "
        "second delivery could not tell that the work was done.",
        "Make the effect idempotent: one key for all deliveries, recorded with the effect.",
    ),
    Rule(
        "no_duplicated_effects", (),
        "The job was delivered again, and nothing recognised that its work was done.",
        "Make the effect idempotent: one key for all deliveries, recorded with the effect.",
    ),
    Rule(
        "leases_exclusive", ("stale settle accepted",),
        "The queue takes an ack by the id of the job and does not ask under which lease: a worker "
        "that was away longer than its lease settled somebody else's delivery.",
        "Number the leases (fencing tokens), and refuse every word under an old one.",
    ),
    Rule(
        "leases_exclusive", ("skewed clock",),
        "Whether a lease is over was judged by a clock that jumped.",
        "Measure leases by one monotonic clock, the queue's, whoever asks.",
    ),
    Rule(
        "leases_exclusive", (),
        "The queue gave the job away though its holder was alive and its lease not over.",
        "Judge a lease by the last word of its holder, by the queue's own monotonic clock.",
    ),
    Rule(
        "no_starvation", ("flood",),
        "Slow jobs hold every worker that also serves this queue.",
        "Give what must not wait a pool of its own (isolated pools), or cap the workers that slow "
        "jobs may take.",
    ),
    Rule(
        "no_starvation", (),
        "Workers were busy with, or kept in hand, what could have waited.",
        "Honour priorities, take one job at a time, and serve every queue in turn.",
    ),
    Rule(
        "bounded_deliveries", ("worker kill",),
        "A delivery that ended in a crash was not counted, so a job that kills its worker is "
        "handed out for ever.",
        "Count a delivery when it is handed out, not when it fails; give up at a limit.",
    ),
    Rule(
        "bounded_deliveries", (),
        "Deliveries are counted where the count is lost, such as in a worker's memory.",
        "Keep the number of deliveries with the job, in the queue.",
    ),
    Rule(
        "progress_after_heal", ("broker crash",),
        "Something that only the dead server could have given back is still held: a lock, a "
        "timer, a list in memory.",
        "Let every lock and lease end by itself, and read the state anew after a start.",
    ),
    Rule(
        "progress_after_heal", ("worker kill",),
        "The job of a dead worker was not taken back: its lease goes on, or nobody looks for "
        "leases that are over.",
        "Tie the heartbeat to the job itself, and let the queue reap by its own clock.",
    ),
    Rule(
        "progress_after_heal", (),
        "The job is neither done nor given up, and nothing will move it.",
        "Give every state an end: a lease, a timeout, a bound on deliveries.",
    ),
    Rule(
        "backoff_respected", (),
        "The failed job was ready again before its backoff was over, or there is none.",
        "Retry with exponential backoff, a cap and jitter; compute it where it cannot overflow.",
    ),
    Rule(
        "retries_spread", (),
        "The backoff has no jitter: what failed together was ready again together, and met the "
        "dependency as one crowd.",
        "Add jitter to the backoff.",
    ),
    Rule(
        "permanent_failures", (),
        "Every failure is taken for a passing one.",
        "Tell permanent failures apart, and send them to the dead letters at once.",
    ),
    Rule(
        "dead_letters_explained", (),
        "The reason was not stored when the job was given up on.",
        "Keep with each dead letter its reason and the error of every attempt.",
    ),
    Rule(
        "timeouts_enforced", (),
        "Nothing outside the job measures its time, so a job that hangs keeps worker and lease.",
        "Give every job a timeout, enforced from outside: end the worker, start another.",
    ),
    Rule(
        "no_phantoms", (),
        "The queue handed out something that nobody enqueued, or that it had refused.",
        "Make the enqueue atomic: refused means that nothing was stored.",
    ),
    Rule(
        "backlog_bounded", (),
        "The queue takes whatever comes, and everything in it gets older.",
        "Bound the backlog, and refuse at the door (backpressure).",
    ),
    Rule(
        "faults_hit", (),
        "A fault that the scenario is about met no job, so the run proves nothing about it.",
        "Run it with another seed, or give the fault more to strike.",
    ),
)  # fmt: skip


def advice(guarantee: str, symptoms: set[str]) -> Advice | None:
    """What to say of this broken guarantee; None if nobody knows anything about it."""
    for rule in RULES:
        if rule.guarantee == guarantee and symptoms.issuperset(rule.symptoms):
            return Advice(EXPECTED[guarantee], rule.cause, rule.practice)
    return None
