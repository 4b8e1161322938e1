"""Procrastinate from the outside: its worker command, its promises, and what its table holds.

A job is a row of ``procrastinate_jobs``: ``todo`` until a worker fetches it, then ``doing`` with
the worker's number until the worker says how it ended. Each worker has a row with its last
heartbeat. Nothing of the library's own brings back what a dead worker was doing: its documentation
has a periodic task for that, which an app has or has not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from msgspec.structs import replace

from ....backends.claims import Claims
from ....protocol.commands import Inspected
from ...brokers.pgsql import PostgresCalls, Statement, Values
from ...brokers.postgres import Postgres
from ...brokers.resp import Passing
from ...library import LEAST, Finding, Held, Looked, Recovery
from . import TITLE

HEARTBEAT_S, LATE = 10.0, 2.0  # procrastinate.worker.Worker; a heartbeat may be late
FETCHES_EVERY_S = 5.0  # procrastinate.worker.FETCH_JOB_POLLING_INTERVAL
DEFER, FETCH = "procrastinate_defer_jobs_v", "procrastinate_fetch_job_v"
FINISH, RETRY = "procrastinate_finish_job_v", "procrastinate_retry_job_v"
ID, QUEUEING_LOCK = 0, 5  # columns of what fetch_job answers
GONE = ("failed", "cancelled", "aborted")
DOCS = "https://procrastinate.readthedocs.io/en/stable/"
STALLED = f"{DOCS}howto/production/retry_stalled_jobs.html"
HELD = """
SELECT j.queueing_lock, j.status, j.queue_name, j.attempts,
       extract(epoch FROM j.scheduled_at - now()), j.worker_id,
       extract(epoch FROM now() - w.last_heartbeat), extract(epoch FROM now())
  FROM procrastinate_jobs j LEFT JOIN procrastinate_workers w ON w.id = j.worker_id
 WHERE j.queueing_lock IS NOT NULL
"""


class Procrastinate:
    """See :class:`...library.Library`."""

    name: ClassVar[str] = "procrastinate"
    title: ClassVar[str] = TITLE
    own_task: ClassVar[str] = "jobquake.play"
    notices_s: ClassVar[float] = 5.0

    def framing(self, looked: Looked) -> PostgresCalls:
        return PostgresCalls(Statements)

    def claims(self, looked: Looked) -> Claims:
        return replace(LEAST, durable=True, delays=True)

    def recovery(self, looked: Looked) -> Recovery:
        settings = looked.settings
        if not settings.get("rescued_by"):
            return Recovery(
                0.0,
                "nothing brings back what a dead worker was doing: the app has no periodic task "
                "that asks for stalled jobs",
            )
        since_s, every_s = settings["rescue_since_s"], settings["rescue_every_s"]
        return Recovery(
            since_s + 2 * every_s + FETCHES_EVERY_S,
            f"{since_s:g} s after its last heartbeat a worker counts as dead "
            f"(seconds_since_heartbeat), then {settings['rescued_by']} comes within {every_s:g} s "
            f"({settings['rescue_cron']}), or a time later if its worker dies, too, and a worker "
            f"fetches the job within {FETCHES_EVERY_S:g} s",
        )

    def worker(
        self, python: str, target: str, looked: Looked, queues: Sequence[str], number: int
    ) -> list[str]:
        command = [python, "-m", "procrastinate", "--app", target.replace(":", "."), "worker"]
        return command + (["--queues", ",".join(queues)] if queues else [])

    def held(self, looked: Looked, address: str) -> Held:
        database = Postgres(address)
        try:
            rows = database.ask(HELD)
        finally:
            database.close()
        now = float(rows[0][-1] or 0.0) if rows else 0.0
        return Held(
            {str(row[0]): _inspected(row, looked, self.recovery(looked)) for row in rows}, now
        )

    def examine(self, looked: Looked) -> list[Finding]:
        return list(_findings(looked, self.recovery(looked)))


class Statements:
    """Procrastinate's statements; see :class:`...brokers.pgsql.Reader`.

    The table has ids of its own, by which a job is finished; what fetches it tells both.
    """

    def __init__(self) -> None:
        self._jobs: dict[str, str] = {}

    def request(self, statement: Statement) -> Passing | None:
        text = statement.text
        if FINISH in text or RETRY in text:
            job = self._jobs.get(statement.values[0].decode(errors="replace"), "")
            call, name = ("ack", "finish_job") if FINISH in text else ("", "retry_job")
            return Passing(call, job, f"sent {name} of it") if job else None
        if DEFER in text:
            job = next((found for value in statement.values if (found := _lock_in(value))), "")
            return Passing("enqueue", job, "sent defer_jobs with it") if job else None
        return None

    def reply(self, statement: Statement, row: Values) -> Passing | None:
        if FETCH not in statement.text or len(row) <= QUEUEING_LOCK:
            return None
        number, job = row[ID], row[QUEUEING_LOCK]
        if not number or not job:
            return None
        self._jobs[number] = job
        told = "PostgreSQL answered fetch_job with it"
        between = "after fetch_job had answered with it"
        return Passing("lease", job, told, between=between)


def _lock_in(value: bytes) -> str:
    """The queueing lock in an array of one job to defer, as text: a row in quotes."""
    fields = value.decode(errors="replace").strip('{}"()').split(",")
    return fields[4].strip('\\"') if len(fields) > 4 else ""


def _inspected(row: list[str | None], looked: Looked, recovery: Recovery) -> Inspected:
    _, status, queue, attempts, due, worker, silent, _ = row
    where = f"procrastinate_jobs, {status} in the queue {queue}"
    if status == "succeeded":
        return Inspected("done", where=where)
    if status in GONE:
        where += f" after {attempts} attempts"
        return Inspected("dead", reason=where, where=where)
    if status == "todo":
        waits_s = max(0.0, float(due)) if due else 0.0
        return Inspected("ready", where=where, due_s=waits_s or None)
    where += f" by worker {worker or 'nobody any more'}"
    silent_s = float(silent) if silent else None
    if silent_s is not None:
        where += f", last heartbeat {silent_s:.0f} s ago"
    beats_s = float(looked.settings.get("update_heartbeat_interval") or HEARTBEAT_S)
    if not recovery.seconds or (silent_s is not None and silent_s <= LATE * beats_s):
        return Inspected("leased", where=where)  # nothing takes it from a worker that lives
    return Inspected("leased", where=where, due_s=max(0.0, recovery.seconds - (silent_s or 0.0)))


def _findings(looked: Looked, recovery: Recovery) -> Iterator[Finding]:
    if not looked.settings.get("rescued_by"):
        yield Finding(
            "what a dead worker was doing is run again",
            "no periodic task of the app calls get_stalled_jobs: the job stays in the status doing",
            "add the periodic task of the documentation, which gives get_stalled_jobs to retry_job",
            "worker-kill-before-ack --kill worker",
            STALLED,
        )
    else:
        yield Finding(
            "what a dead worker was doing is run again soon",
            f"update_heartbeat_interval={looked.settings.get('update_heartbeat_interval'):g}: "
            f"{recovery.why}",
            "shorten update_heartbeat_interval, and with it seconds_since_heartbeat of the task",
            "worker-kill-before-ack --kill worker",
            STALLED,
        )
    if not looked.of_task.get("retry"):
        yield Finding(
            "a job that failed is run again",
            "the task has no retry: its job has the status failed after the first error",
            "give the task retry=RetryStrategy(max_attempts=..., exponential_wait=...)",
            "retry-storm",
            f"{DOCS}howto/advanced/retry.html",
        )
    yield Finding(
        "a job that hangs gives its place in the worker back",
        "none: Procrastinate has no timeout for a job, and its worker goes on to send heartbeats",
        "give calls in the task timeouts of their own, and the worker a concurrency above 1",
        "stuck-job",
        f"{DOCS}howto/basics/worker.html",
    )


LIBRARY = Procrastinate()
