"""Where in beanstalkd the job of an id is: it finds jobs by its own numbers only.

The numbers grow by one with each job and are never used again while the server runs. So whoever
goes through them once knows which of them a job of ours stands under, for as long as his
connection lasts; a server that was started again has ended it.
"""

from __future__ import annotations

from .client import Answer, Client, request
from .tubes import job_in

AT_ONCE = 200
STATES = ("ready", "delayed", "reserved", "buried")


class Jobs:
    """The jobs that the server of this connection holds, as it said when it was last asked."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._held: dict[int, str] = {}
        self._highest = 0

    def of(self, job_id: str) -> list[dict[str, str]]:
        """What the server says of each job with that id: it may have been enqueued twice."""
        self._forget_the_gone()
        after = self._highest
        while len(self._held) < self._counted():
            self._look(range(after + 1, after + 1 + AT_ONCE))
            after += AT_ONCE
        numbers = [number for number, held in self._held.items() if held == job_id]
        return [found.fields for found in self._statistics(numbers) if found.word == "OK"]

    def _counted(self) -> int:
        counts = self._client.ask("stats").fields
        return sum(int(counts[f"current-jobs-{state}"]) for state in STATES)

    def _statistics(self, numbers: list[int]) -> list[Answer]:
        return self._client.ask_all([request("stats-job", number) for number in numbers])

    def _forget_the_gone(self) -> None:
        numbers = list(self._held)
        for number, found in zip(numbers, self._statistics(numbers), strict=True):
            if found.word != "OK":
                del self._held[number]

    def _look(self, numbers: range) -> None:
        answers = self._client.ask_all([request("peek", number) for number in numbers])
        for number, found in zip(numbers, answers, strict=True):
            if found.word == "FOUND":
                job = job_in(found.body)
                self._held[number] = job.id if job else ""
                self._highest = number
