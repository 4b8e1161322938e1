"""From a broken guarantee, and what the history shows, to its likely cause and what prevents it.

Data, and the one function that looks it up. The first rule whose symptoms were all seen fits. A
rule speaks of likely causes: the history shows what happened, and not the code that let it.
"""

from __future__ import annotations

from typing import NamedTuple

from .promises import EXPECTED


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


RULES = (
    Rule(
        "no_lost_work", ("taken and not held",),
        "The worker took the message off its list in one step and wrote down that it holds it in "
        "another. It died between the two, and then nobody held the message.",
        "Take and hold in one step of the broker (a script, LMOVE), or use a broker that keeps a "
        "message until it is acknowledged.",
    ),
    Rule(
        "no_lost_work", ("ended by another job's ack",),
        "The queue does not match an ack with its job: the ack of another job ended this one, too, "
        "while its worker still ran it.",
        "Ack by the id of the job and the token of its lease, one job at a time, never \"all "
        "before it\" or \"one more\".",
    ),
    Rule(
        "no_lost_work", ("replayed",),
        "The replay takes the dead letter out in one step and puts it back in another, or nowhere.",
        "Replay a dead letter in one transaction: it leaves the dead letters as it enters the "
        "queue.",
    ),
    Rule(
        "no_lost_work", ("failed", "acked before its effect"),
        "The queue gave the job up and acknowledged it before its dead letter was written.",
        "Write the dead letter and end the delivery in one transaction.",
    ),
    Rule(
        "no_lost_work", ("acked before its effect", "worker told to stop"),
        "A worker that was told to stop acknowledged a job that it had not finished.",
        "Shut down gracefully: finish running jobs within the grace period, or hand them back.",
    ),
    Rule(
        "no_lost_work", ("acked before its effect",),
        "The job was acknowledged before its work was done. From then on the queue had no reason "
        "to keep it, and nothing noticed that the work was never done.",
        "Ack after the work, never before it (late acks).",
    ),
    Rule(
        "no_lost_work", ("counted as done", "worker kill", "redelivered"),
        "The queue, or the idempotency key, marked the job as done before its effect had "
        "happened, so the delivery after the crash skipped it.",
        "Record the idempotency key together with the completion, in one transaction.",
    ),
    Rule(
        "no_lost_work", ("delayed", "never handed out"),
        "The job was lost between delayed and ready: it was removed from one list in one step and "
        "added to the other in a second step.",
        "Make a delayed job ready in one atomic step.",
    ),
    Rule(
        "no_lost_work", ("broker crash",),
        "The queue answered before the job was durable, so its crash lost what it had "
        "accepted.",
        "Answer an enqueue only when the job is on disk (fsync, or a quorum).",
    ),
    Rule(
        "no_lost_work", ("worker kill",),
        "When its worker died, no lease was left that could expire and bring the job back: "
        "receiving had removed the job, or something had marked it done too early.",
        "Deliver jobs under a lease, and mark them done only after the work.",
    ),
    Rule(
        "no_lost_work", ("worker told to stop",),
        "The worker stopped while it held the job, and did not hand it back.",
        "Shut down gracefully: finish running jobs within the grace period, or hand them back.",
    ),
    Rule(
        "no_lost_work", ("network",),
        "A message was lost, and one side took silence for an answer: the job left the queue with "
        "a reply that nobody received.",
        "Deliver jobs under a lease, and make every call safe to repeat until it is answered.",
    ),
    Rule(
        "no_lost_work", ("failed",),
        "The queue gave the failed job up, and its dead letter was not written, or not kept.",
        "Keep dead letters until somebody has dealt with them.",
    ),
    Rule(
        "no_lost_work", ("never handed out",),
        "The job was accepted and disappeared before any worker received it: it was lost between "
        "two lists, deleted because of its age, or taken for a job whose id is like its own.",
        "Move a job from state to state in one atomic step, delete nothing because of its age, and "
        "compare all of an id.",
    ),
    Rule(
        "no_lost_work", (),
        "The queue removed the job before it knew that the work was done.",
        "Remove a job only in the transaction that records its completion or its dead letter.",
    ),
    Rule(
        "no_duplicated_effects", ("submitted twice",),
        "The same work was submitted again, and nothing that lasts long enough recognised it.",
        "Give the work one idempotency key, and let the receiver of the effect keep it for as long "
        "as repetitions may come.",
    ),
    Rule(
        "no_duplicated_effects", ("enqueue repeated",),
        "The producer received no answer and repeated the enqueue, as it must; the queue took the "
        "repetition for another job, or had forgotten the first.",
        "Make the enqueue idempotent on the job's id, for longer than producers repeat.",
    ),
    Rule(
        "no_duplicated_effects", ("two at once", "delayed", "no fault"),
        "Two workers took the same delayed job when it became due, and neither checked whether it "
        "was the one that removed it.",
        "Make a delayed job ready in one atomic step, which only one worker can win.",
    ),
    Rule(
        "no_duplicated_effects", ("two at once", "no fault"),
        "A second worker received the job while the first was still running it, without any "
        "fault: the lease is shorter than the job, and nothing extends it in time.",
        "Extend the lease while the job runs, from something that the job cannot block.",
    ),
    Rule(
        "no_duplicated_effects", ("two at once",),
        "Two deliveries of the job ran at once, and each applied the effect.",
        "Use one idempotency key for all deliveries of a job, and refuse workers that lost the "
        "lease (fencing tokens).",
    ),
    Rule(
        "no_duplicated_effects", ("struck after its effect",),
        "The effect had happened and the ack had not, so the job was rightly delivered again; the "
        "second delivery could not know that the work was done.",
        "Make the effect idempotent: one key for all deliveries, recorded with the effect.",
    ),
    Rule(
        "no_duplicated_effects", (),
        "The job was delivered again, and nothing recognised that its work was done.",
        "Make the effect idempotent: one key for all deliveries, recorded with the effect.",
    ),
    Rule(
        "leases_exclusive", ("stale heartbeat accepted",),
        "The queue accepts a heartbeat by the id of the job and does not check its lease: a worker "
        "that was away for longer than its lease extended another worker's.",
        "Number the leases (fencing tokens), and refuse heartbeats under an old one as well.",
    ),
    Rule(
        "leases_exclusive", ("ended by another job's ack",),
        "The queue does not match an ack with its job: the ack of another job ended this one, too.",
        "Ack by the id of the job and the token of its lease, one job at a time, never \"all "
        "before it\" or \"one more\".",
    ),
    Rule(
        "leases_exclusive", ("stale settle accepted",),
        "The queue accepts an ack by the id of the job and does not check its lease: a worker that "
        "was away for longer than its lease settled another worker's delivery.",
        "Number the leases (fencing tokens), and refuse every call under an old one.",
    ),
    Rule(
        "leases_exclusive", ("skewed clock",),
        "Whether a lease is over was judged by a clock that jumped.",
        "Measure all leases by one monotonic clock, the queue's own.",
    ),
    Rule(
        "leases_exclusive", ("done without a word",),
        "The queue ended the job and told its holder that it had not, or ended it without being "
        "asked: whoever hears a refusal has to think that somebody else has the job.",
        "Make the answer from the decision, not from the record as it is afterwards, and end a job "
        "by its holder's word only.",
    ),
    Rule(
        "leases_exclusive", ("late word accepted",),
        "The queue does not look at when a lease ended before it accepts a word of its holder: a "
        "worker that was away for longer than its lease settled the job as if it still had it.",
        "Refuse every word that comes after the end of its lease, even while nobody else has the "
        "job yet: by the next moment somebody may.",
    ),
    Rule(
        "leases_exclusive", (),
        "The queue delivered the job again although its holder was alive and its lease valid.",
        "Judge a lease by its holder's last call and the queue's own monotonic clock.",
    ),
    Rule(
        "no_starvation", ("flood",),
        "Slow jobs occupy every worker that also serves this queue.",
        "Give urgent jobs a pool of their own (isolated pools), or cap the number of workers that "
        "slow jobs may take.",
    ),
    Rule(
        "no_starvation", (),
        "Workers were running or holding jobs that could have waited.",
        "Honour priorities, take one job at a time, and serve every queue in turn.",
    ),
    Rule(
        "bounded_deliveries", ("worker told to stop",),
        "Handing a job back forgot the deliveries before it that had ended in a crash.",
        "Leave the count as it is at a hand-back: neither count it nor forget what was before it.",
    ),
    Rule(
        "bounded_deliveries", ("worker kill",),
        "A delivery that ended in a crash was not counted, so a job that kills its worker is "
        "delivered for ever.",
        "Count a delivery when it starts, not when it fails; give up at a limit.",
    ),
    Rule(
        "bounded_deliveries", (),
        "The count of deliveries is kept where it can be lost, such as in a worker's memory.",
        "Keep the number of deliveries with the job, in the queue.",
    ),
    Rule(
        "holder_obeyed", ("acked and not done",),
        "The queue accepted the ack and did not keep it: the answer went out before the change was "
        "written, or the change was made to something else.",
        "Answer an ack in the transaction that ends the job, after it is committed.",
    ),
    Rule(
        "holder_obeyed", ("counted as done",),
        "The queue did what its holder said and answered that it had not.",
        "Make the answer from the decision, not from the record as it is afterwards.",
    ),
    Rule(
        "holder_obeyed", (),
        "The queue does not recognise the holder of a living lease.",
        "Compare the token of a call with the one that was handed out, and nothing else.",
    ),
    Rule(
        "senseless_refused", (),
        "Nobody looks at what is sent before it is held, or whoever names a job is believed.",
        "Look at every field when a job is enqueued, and compare the token of each call with that "
        "of the living lease; refuse in one sentence that says why.",
    ),
    Rule(
        "enqueues_accepted", ("counted as done", "submitted twice"),
        "The queue knew the job and told its producer that it was new: the answer is made before "
        "anybody looks whether it is.",
        "Answer an enqueue from what the insert found, in the same transaction.",
    ),
    Rule(
        "enqueues_accepted", (),
        "Whoever checks what producers send refuses more than the queue has reason to.",
        "Refuse only what cannot be carried out, and say why; test the bounds from both sides.",
    ),
    Rule(
        "progress_after_heal", ("held and not counted",),
        "The queue's count leaves out what it has handed out or put aside, and nothing takes it "
        "back from a worker that is gone.",
        "Count every state that a job can be in, and let every lease expire.",
    ),
    Rule(
        "progress_after_heal", ("broker crash",),
        "Something that only the dead server could have released is still held: a lock, a "
        "timer, a list in memory.",
        "Let every lock and lease expire, and read the state again after a start.",
    ),
    Rule(
        "progress_after_heal", ("worker kill",),
        "The job of a dead worker was not taken back: something still extends its lease, or "
        "nothing looks for expired leases.",
        "Tie the heartbeat to the job itself, and let the queue reap by its own clock.",
    ),
    Rule(
        "progress_after_heal", (),
        "The job is neither done nor dead-lettered, and nothing will move it.",
        "Give every state an end: a lease, a timeout, a bound on deliveries.",
    ),
    Rule(
        "backoff_respected", (),
        "The failed job came back sooner or later than its backoff allows: there is none, it "
        "overflows, or nothing caps it.",
        "Retry with exponential backoff, a cap and jitter; compute it where it cannot overflow.",
    ),
    Rule(
        "retries_spread", (),
        "The backoff has no jitter: jobs that failed together were ready again together, and hit "
        "the dependency as one crowd.",
        "Add jitter to the backoff.",
    ),
    Rule(
        "permanent_failures", (),
        "Every failure is treated as temporary.",
        "Distinguish permanent failures, and send them to the dead letters at once.",
    ),
    Rule(
        "dead_letters_explained", (),
        "The reason was not stored when the job was given up.",
        "Keep with each dead letter its reason and the error of every attempt.",
    ),
    Rule(
        "timeouts_enforced", (),
        "Nothing outside the job measures its time, so a job that hangs keeps worker and lease.",
        "Give every job a timeout, enforced from outside: end the worker, start another.",
    ),
    Rule(
        "no_phantoms", (),
        "The queue delivered a job that nobody enqueued, or that it had refused.",
        "Make the enqueue atomic: refused means that nothing was stored.",
    ),
    Rule(
        "backlog_bounded", (),
        "The queue accepts every job, and all of them wait longer and longer.",
        "Bound the backlog, and refuse jobs beyond it (backpressure).",
    ),
    Rule(
        "faults_hit", (),
        "A fault of the scenario met no job, so the run proves nothing about it.",
        "The table of faults shows which cell stayed empty. A fault that comes at a time of its "
        "own needs a job in that phase then: run it with another seed, or with more or longer "
        "jobs. A fault at a point of a job needs a backend whose workers reach that point.",
    ),
    Rule(
        "payloads_intact", ("failed",),
        "The payload is changed when the failed job is written back for its retry.",
        "Store the payload once, as bytes, and change only the state of the job.",
    ),
    Rule(
        "payloads_intact", (),
        "The payload passes through something that does not keep every byte: a column or a length "
        "that is too short, a text encoding, a string that ends at a NUL.",
        "Store payloads as bytes with their length, and refuse what is too long.",
    ),
    Rule(
        "queues_kept", (),
        "Names of queues are compared by less than all of their characters: without their case, by "
        "a prefix, as a pattern.",
        "Compare the names of queues byte for byte.",
    ),
    Rule(
        "tokens_grow", ("replayed",),
        "A replay puts the job back as if it were new, and its tokens begin again, so a worker of "
        "an old delivery passes for the holder.",
        "Keep the counter of tokens with the job for as long as the job's id lives.",
    ),
    Rule(
        "tokens_grow", (),
        "The token is not raised with every hand-out, so a worker of an old delivery passes for "
        "the holder.",
        "Raise the token in the transaction that hands the job out, whatever happened before.",
    ),
    Rule(
        "deliveries_used", ("replayed",),
        "The replay was answered with yes, and the dead letter stayed one or kept its spent count.",
        "Replay in one transaction: the letter leaves, the job is ready, its count begins anew; "
        "answer after it is committed.",
    ),
    Rule(
        "deliveries_used", ("worker told to stop",),
        "A hand-back is counted like a failure, or resets the count of deliveries.",
        "Count what ends in a failure or a crash, and leave the count as it is at a hand-back.",
    ),
    Rule(
        "deliveries_used", (),
        "The job was given up before its deliveries were used: the bound is compared off by one, "
        "or every failure is taken for a permanent one.",
        "Give a job up when its counted deliveries reach its limit, or when it says that it can "
        "never succeed.",
    ),
    Rule(
        "dead_letters_listed", (),
        "The job is marked as dead, and the list of dead letters does not have it, or has it "
        "without its attempts.",
        "Write the dead letter with its attempts in the transaction that gives the job up.",
    ),
    Rule(
        "delays_respected", (),
        "The time at which the job becomes ready is not kept, or kept too coarsely, or looked at "
        "only now and then.",
        "Keep with the job the time at which it is ready, and look for ready jobs in order of it.",
    ),
    Rule(
        "ready_jobs_handed_out", ("submitted twice",),
        "The search for a job stopped at one that was skipped as a duplicate.",
        "Go on to the next ready job after one that is skipped.",
    ),
    Rule(
        "ready_jobs_handed_out", (),
        "The job was ready and nobody woke the worker that waited, or the search for work did not "
        "see the job.",
        "Wake who waits when a job becomes ready, and look again before the answer that there is "
        "none.",
    ),
    Rule(
        "priorities_respected", (),
        "The priority is not kept with the job when it is written back, or is not part of the "
        "order.",
        "Keep the priority with the job through retries, hand-backs and crashes, and order by it.",
    ),
    Rule(
        "order_kept", (),
        "Jobs are taken in another order than that in which they became ready: the newest first, "
        "or as an index or a set happens to give them.",
        "Order equally urgent jobs by the time at which they became ready, then by their number.",
    ),
    Rule(
        "replays_obeyed", (),
        "The replay took the dead letter off the list, or said so, and did not put the job back.",
        "Replay in one transaction: the job is ready again with all its deliveries.",
    ),
)  # fmt: skip


def advice(guarantee: str, symptoms: set[str]) -> Advice | None:
    """What to say of this broken guarantee; None for a guarantee without rules."""
    for rule in RULES:
        if rule.guarantee == guarantee and symptoms.issuperset(rule.symptoms):
            return Advice(EXPECTED[guarantee], rule.cause, rule.practice)
    return None
