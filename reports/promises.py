"""What each guarantee promises, in a sentence for whoever reads a page."""

from __future__ import annotations

EXPECTED = {
    "no_lost_work": "An accepted job has its effect, or is a dead letter, or is still in the "
    "queue; it never disappears.",
    "no_duplicated_effects": "A job may be delivered more than once, but its effect happens once.",
    "no_starvation": "In a queue with a bounded wait, every job gets a worker within the bound.",
    "no_phantoms": "Workers receive only jobs that were enqueued and not refused.",
    "bounded_deliveries": "A job is delivered a limited number of times, and a delivery that "
    "ends in a crash counts.",
    "leases_exclusive": "While one worker holds the lease of a job, no other worker receives it, "
    "and calls under an older lease are refused.",
    "holder_obeyed": "What the holder of a valid lease says is accepted, and it happens.",
    "success_remembered": "A job that was done and acknowledged is not told as failed.",
    "enqueues_accepted": "A legal job is accepted; only a full queue refuses.",
    "retention_kept": "A job that was done is known as a repetition for as long as the queue says, "
    "and as a new job afterwards.",
    "senseless_refused": "A command that makes no sense is refused and changes nothing.",
    "progress_after_heal": "After the last fault, every accepted job ends.",
    "backoff_respected": "After a failure a job waits as long as its retry policy says, and no "
    "longer.",
    "retries_spread": "Jobs that failed together do not retry together.",
    "permanent_failures": "A job that can never succeed goes to the dead letters at once.",
    "dead_letters_explained": "Every dead letter has its reason.",
    "timeouts_enforced": "A job that exceeds its timeout is ended, and its worker is free again.",
    "backlog_bounded": "A full queue refuses the next job, clearly and at once.",
    "payloads_intact": "A worker is given the payload that was enqueued, byte for byte.",
    "queues_kept": "A worker receives only jobs of the queues that it asks for.",
    "tokens_grow": "Each delivery of a job has a higher token than the one before.",
    "deliveries_used": "A job that is not permanently failed is given up only when all its "
    "deliveries are used; a hand-back uses none and restores none.",
    "dead_letters_listed": "Every dead letter is in the list of dead letters, with all its "
    "attempts.",
    "delays_respected": "A delayed job is handed out when its delay is over: not before, and not "
    "long after.",
    "ready_jobs_handed_out": "A worker that asks for work is given a job that is ready.",
    "priorities_respected": "Of the jobs that are ready in a queue the most urgent goes first, "
    "also after a retry.",
    "order_kept": "Of equally urgent jobs of a queue, the one that was ready first goes first.",
    "replays_obeyed": "A dead letter that was replayed is handed out again.",
    "faults_hit": "Every fault of the scenario struck a job in the intended phase.",
}
