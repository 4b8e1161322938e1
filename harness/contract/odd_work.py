"""Work that is not like what everybody tries: odd names, no payload, a very long one.

What is handed out is what was enqueued. Short conversations as in :mod:`.conversations`, each with
a fresh bench.
"""

from __future__ import annotations

from ...protocol.commands import Job, Nack
from ..plan.names import ODD_NAMES
from ..plan.payload import payload
from .bench import Bench
from .conversations import PAST_S, after_backoff, word

PAYLOADS = (0, 1, 65_535, 65_536, 65_537)  # about where a length of 16 bits ends


def jobs_with_ids_that_look_alike_are_different_jobs(bench: Bench) -> None:
    for name in ODD_NAMES:
        created = bench.enqueue(Job(name))
        bench.expect(created, f"job {name!r} to be another one than those before", "created=False")
    for _ in ODD_NAMES:
        bench.say(word("ack", bench.take()))
    left = [name for name in ODD_NAMES if bench.state(name) != "done"]
    bench.expect(
        not left, f"each of {len(ODD_NAMES)} jobs to be done when it was acked", f"not {left}"
    )
    again = bench.lease()
    bench.expect(again is None, "nothing to be left", again)


def queues_with_names_that_look_alike_are_kept_apart(bench: Bench) -> None:
    for name in ODD_NAMES:
        bench.enqueue(Job(f"of {name}", queue=name))
    for name in ODD_NAMES:
        found = bench.take(queues=(name,)).job.queue
        bench.expect(found == name, f"a job of the queue {name!r}", f"one of {found!r}")
        again = bench.lease(queues=(name,))
        bench.expect(again is None, f"no second job in the queue {name!r}", again)


def a_payload_arrives_as_it_was_enqueued(bench: Bench, size: int) -> None:
    """Whoever gets the job: the first worker, the next one, and whoever mends a dead letter."""
    whole = payload("a", size)

    def intact(found: bytes, who: str) -> None:
        __tracebackhide__ = True
        differ = f"{len(found):,}" if len(found) != size else "others"
        bench.expect(found == whole, f"{who} to be given the payload of {size:,} bytes", differ)

    bench.enqueue(Job("a", payload=whole, max_deliveries=5))
    holder = bench.take()
    intact(holder.job.payload, "the first worker")
    if bench.claims.delivery == "at-most-once":
        return
    if bench.claims.retries:
        bench.say(word("nack", holder))
        holder = after_backoff(bench)
        intact(holder.job.payload, "the worker that tries the job again")
    bench.wait(PAST_S)
    holder = after_backoff(bench)
    intact(holder.job.payload, "the worker after one that died")
    bench.say(word("release", holder))
    holder = after_backoff(bench)
    intact(holder.job.payload, "the worker after one that handed the job back")
    if bench.claims.dead_letters:
        bench.say(Nack("a", holder.token, "it is gone", permanent=True))
        for letter in bench.dead():
            intact(letter.job.payload, "whoever looks at the dead letter")
        bench.replay("a")
        intact(after_backoff(bench).job.payload, "the worker after a replay")
