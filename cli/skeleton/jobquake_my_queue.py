"""my-queue as a backend of jobquake: what it promises, how it is served, how to talk to it.

Every method that raises NotImplementedError is left to write, and its error says what it must do.
Write them from the top to the bottom, and run the contract after each. jobquake's
docs/adapters.md says of every command what must come of it, and which claim excuses it.
"""

from __future__ import annotations

from pathlib import Path
from typing import assert_never

from jobquake.adapters import (
    Claims,
    Connection,
    Framing,
    RemoteQueue,
    WorkerProgram,
    worker,
)
from jobquake.commands import (
    Ack,
    Command,
    DeadLetter,
    DeadLetters,
    Delivery,
    Depth,
    Enqueue,
    Enqueued,
    Extend,
    Inspect,
    Inspected,
    Job,
    Lease,
    Leased,
    ListDead,
    Measure,
    Measured,
    Nack,
    Release,
    Replay,
    Replayed,
    Reply,
    Settled,
)


class MyQueue:
    """The adapter. One object serves all runs, so it keeps nothing of a run."""

    name = "my-queue"
    summary = "my-queue, with the configuration that we use"
    # What is not claimed is not judged. Claims() promises everything: take back what your queue
    # does not promise, such as Claims(priorities=False, delays=False).
    claims = Claims()
    violates: str | None = None
    # How the network between workers and queue is cut into calls, so that faults can strike
    # single ones. None: the network is left alone.
    framing: Framing | None = None
    worker: WorkerProgram = staticmethod(worker)

    def server(self, folder: Path, port: int) -> list[str] | None:
        raise NotImplementedError(
            "server: return the command that serves a fresh queue from this folder on this port "
            "(0: any) and prints 'ready HOST:PORT', or None if the queue is a library on a file"
        )

    def connect(self, address: str, timeout_s: float) -> Connection:
        return MyQueueConnection(address, timeout_s)


class MyQueueConnection:
    """One client's way to the queue at HOST:PORT, or in the folder if it has no server."""

    def __init__(self, address: str, timeout_s: float) -> None:
        self._address = address
        self._timeout_s = timeout_s

    def attempt(self, command: Command) -> Reply | None:
        """Carry the command out once, in ``timeout_s`` seconds; None if no answer came.

        A lease may take its ``wait_s`` longer. After a failure the next attempt connects anew.
        If the server answers with an error, return ``Failed`` with its words, and with
        ``environment=True`` where it lacks memory, disk, connections or rights.
        """
        try:
            return self._answer(command)
        except OSError:
            self.close()
            return None  # it may or may not have taken effect: whoever asked asks again

    def close(self) -> None:
        """Close what is open, if it is; called again, it does nothing."""

    def _answer(self, command: Command) -> Reply:
        match command:
            case Enqueue(job):
                return Enqueued(self.enqueue(job))
            case Lease(worker_name, queues, lease_s, wait_s):
                return Leased(self.lease(worker_name, queues, lease_s, wait_s))
            case Ack(job_id, token):
                return self.ack(job_id, token)
            case Nack(job_id, token, error, permanent):
                return self.nack(job_id, token, error, permanent)
            case Extend(job_id, token, lease_s):
                return self.extend(job_id, token, lease_s)
            case Release(job_id, token):
                return self.release(job_id, token)
            case Inspect(job_id):
                return self.inspect(job_id)
            case Measure():
                return Measured(self.depths(), {})
            case ListDead(queue, reason, limit):
                return DeadLetters(self.dead_letters(queue, reason, limit))
            case Replay(job_ids, tokens):
                return Replayed(self.replay(job_ids, tokens))
            case _:
                assert_never(command)

    # -- left to write ------------------------------------------------------------------

    def enqueue(self, job: Job) -> bool:
        raise NotImplementedError(
            "enqueue: hold the job durably before you return True; False if its id is held already"
        )

    def lease(
        self, worker_name: str, queues: tuple[str, ...], lease_s: float, wait_s: float
    ) -> Delivery | None:
        raise NotImplementedError(
            "lease: hand out the next ready job of these queues for lease_s seconds, under a token "
            "that is higher than any before; block for up to wait_s seconds while there is none"
        )

    def ack(self, job_id: str, token: int) -> Settled:
        raise NotImplementedError(
            "ack: complete the job; Settled(False, why) unless this token holds it now, and "
            "Settled(True) if this token has settled it before"
        )

    def nack(self, job_id: str, token: int, error: str, permanent: bool) -> Settled:
        raise NotImplementedError(
            "nack: make the job ready after its backoff; a dead letter if it is permanent or its "
            "deliveries are used up"
        )

    def extend(self, job_id: str, token: int, lease_s: float) -> Settled:
        raise NotImplementedError(
            "extend: let the lease end lease_s seconds from now, but never after the job's timeout"
        )

    def release(self, job_id: str, token: int) -> Settled:
        raise NotImplementedError(
            "release: make the job ready at once; this delivery is not counted as used"
        )

    def inspect(self, job_id: str) -> Inspected:
        raise NotImplementedError(
            "inspect: say whether the job is ready, leased, done or dead, and None if it is unknown"
        )

    def depths(self) -> tuple[Depth, ...]:
        raise NotImplementedError(
            "depths: count the jobs of each queue in each state; delayed ones are ready, too"
        )

    def dead_letters(
        self, queue: str | None, reason: str | None, limit: int
    ) -> tuple[DeadLetter, ...]:
        raise NotImplementedError(
            "dead_letters: list them, oldest first, of this queue and with this part of a reason"
        )

    def replay(self, job_ids: tuple[str, ...], tokens: tuple[int, ...]) -> tuple[str, ...]:
        raise NotImplementedError(
            "replay: put these dead letters back with fresh deliveries; return those that were put"
        )


BACKEND: RemoteQueue = MyQueue()
