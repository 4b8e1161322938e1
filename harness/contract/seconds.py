"""The seconds of a conversation, where the queue's own seconds are longer or shorter.

Leases, delays, backoffs and timeouts are stretched on their way to the queue, and what it answers
is put back into the seconds of the conversation.
"""

from __future__ import annotations

from msgspec.structs import replace

from ...protocol.commands import Command, DeadLetters, Enqueue, Extend, Job, Lease, Leased, Reply


class Seconds:
    """A second of the conversation is ``second_s`` of the queue's."""

    def __init__(self, second_s: float) -> None:
        self.second_s = second_s
        self._meant: dict[Job, Job] = {}

    def said(self, command: Command) -> Command:
        """The command as the queue is to hear it."""
        by = self.second_s
        match command:
            case Enqueue(job):
                stretched = _stretched(job, by)
                self._meant[stretched] = job
                return Enqueue(stretched)
            case Lease(lease_s=lease_s, wait_s=wait_s):
                return replace(command, lease_s=lease_s * by, wait_s=wait_s * by)
            case Extend(lease_s=lease_s):
                return replace(command, lease_s=lease_s * by)
            case _:
                return command

    def answered(self, reply: Reply) -> Reply:
        """The reply as the conversation is to hear it."""
        match reply:
            case Leased(delivery) if delivery is not None:
                lease_s = delivery.lease_s / self.second_s
                return Leased(replace(delivery, job=self._job(delivery.job), lease_s=lease_s))
            case DeadLetters(letters):
                return DeadLetters(tuple(replace(x, job=self._job(x.job)) for x in letters))
            case _:
                return reply

    def _job(self, job: Job) -> Job:
        """The job that was meant, without roundings, if it comes back as it was enqueued."""
        return self._meant.get(job) or _stretched(job, 1 / self.second_s)


def _stretched(job: Job, by: float) -> Job:
    retry = replace(job.retry, base_s=job.retry.base_s * by, cap_s=job.retry.cap_s * by)
    return replace(job, delay_s=job.delay_s * by, timeout_s=job.timeout_s * by, retry=retry)
