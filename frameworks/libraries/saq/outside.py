"""SAQ from the outside: its worker command, what its settings promise, what its Redis holds.

A job is a key with its state as JSON. Its id moves from the list of what is queued to that of what
is active. Now and then one worker sweeps the active list: a job that is there for longer than its
timeout is aborted, for which five seconds are waited, and then run again if it has retries left.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from msgspec.structs import replace

from ....backends.claims import Claims
from ....protocol.commands import Inspected
from ...brokers.redis import Redis, opened
from ...brokers.resp import Passing, RedisCalls, Words, words_of
from ...library import LEAST, Finding, Held, Looked, Recovery
from . import TITLE

TIMEOUT_S, RETRIES = 10.0, 1  # saq.job.Job
SWEEP_S, CONCURRENCY, ABORT_S = 60.0, 10, 5.0  # saq.worker.Worker, saq.queue.RedisQueue.sweep
SEEN_WITHIN_S = 20.0  # a timeout that a run waits for
JOB = "saq:job:"
TAKES = (b"BLMOVE", b"BRPOPLPUSH")
DOCS = "https://saq-py.readthedocs.io/en/latest/"


class Saq:
    """See :class:`...library.Library`."""

    name: ClassVar[str] = "saq"
    title: ClassVar[str] = TITLE
    own_task: ClassVar[str] = "jobquake.play"
    notices_s: ClassVar[float] = 2.0

    def framing(self, looked: Looked) -> RedisCalls:
        return RedisCalls(Commands)

    def claims(self, looked: Looked) -> Claims:
        return replace(LEAST, delays=True, timeouts=0.0 < _timeout_s(looked) <= SEEN_WITHIN_S)

    def recovery(self, looked: Looked) -> Recovery:
        timeout_s, sweep_s = _timeout_s(looked), float(looked.settings.get("sweep") or SWEEP_S)
        if not timeout_s and not looked.options.get("heartbeat"):
            return Recovery(0.0, "nothing brings it back: the job has timeout=0 and no heartbeat")
        aborts_s = ABORT_S * int(looked.settings.get("concurrency") or CONCURRENCY)
        return Recovery(
            timeout_s + 2 * sweep_s + aborts_s,
            f"timeout={timeout_s:g} s after it began the job counts as stuck, a sweep comes within "
            f"{2 * sweep_s:g} s (timers), and waits {ABORT_S:g} s for each job that it aborts",
        )

    def worker(
        self, python: str, target: str, looked: Looked, queues: Sequence[str], number: int
    ) -> list[str]:
        return [python, "-m", "saq", target.replace(":", ".")]

    def held(self, looked: Looked, address: str) -> Held:
        with opened(looked.broker, address) as redis:
            return Held(dict(_jobs(redis, looked)), redis.now())

    def examine(self, looked: Looked) -> list[Finding]:
        return list(_findings(looked, self.recovery(looked)))


class Commands:
    """SAQ's commands on Redis; see :class:`...brokers.resp.Reader`."""

    def request(self, words: Words) -> Passing | None:
        command = words[0].upper()
        if command in (b"EVALSHA", b"EVAL") and len(words) > 6 and words[2] == b"4":
            return Passing("enqueue", _key(words[4]), "sent the script that enqueues it")
        if command == b"ZREM" and words[1].endswith(b":incomplete"):
            return Passing("ack", _key(words[2]), "sent ZREM incomplete of it")
        if command in TAKES:
            return Passing("lease", "", "asked for a job")  # which one, its answer tells
        return None

    def reply(self, words: Words, reply: bytes) -> Passing | None:
        command = words[0].upper()
        if command not in TAKES or reply[:1] != b"$" or reply[1:2] == b"-":
            return None
        (found,) = words_of(b"*1\r\n" + reply)
        told = f"{command.decode()} with it"
        between = f"after {command.decode()} had answered with it"
        return Passing("lease", _key(found), f"Redis answered {told}", between=between)


def _jobs(redis: Redis, looked: Looked) -> Iterator[tuple[str, Inspected]]:
    now = redis.now()
    due = redis.ask("ZRANGE", f"saq:{looked.queue}:incomplete", 0, -1, "WITHSCORES")
    dues = dict(zip(due[::2], map(float, due[1::2]), strict=True))
    for name in redis.names(f"{JOB}{looked.queue}:*"):
        if (job := _loaded(redis.ask("GET", name))) is not None:
            yield (
                _key(name.encode()),
                _inspected(job, dues.get(name.encode(), 0.0) - now, now, looked),
            )


def _inspected(job: Mapping[str, Any], due_s: float, now: float, looked: Looked) -> Inspected:
    status, tries = job.get("status", "new"), int(job.get("attempts", 0))
    where = f"the queue {looked.queue}, {status}, begun {tries} times"
    if status == "complete":
        return Inspected("done", where=where)
    if status in ("failed", "aborted"):
        lines = str(job.get("error") or "").strip().splitlines()
        reason = lines[-1].strip() if lines else str(status)
        return Inspected("dead", reason=reason, where=f"{where}: {reason}")
    if status in ("active", "aborting"):
        ran_s = max(0.0, now - float(job.get("started", 0.0)) / 1000)
        left_s = float(job.get("timeout", TIMEOUT_S)) - ran_s
        back_s = max(0.0, left_s) + 2 * float(looked.settings.get("sweep") or SWEEP_S) + ABORT_S
        return Inspected("leased", where=where, due_s=back_s)
    return Inspected("ready", where=where, due_s=due_s if due_s > 0 else None)


def _findings(looked: Looked, recovery: Recovery) -> Iterator[Finding]:
    retries = int(looked.options.get("retries", RETRIES))
    if retries <= 1:
        yield Finding(
            "a job whose worker dies is run again",
            f"retries={retries}: a job has that many attempts, and the sweep aborts what had its "
            "last",
            "enqueue with retries=3 or more, and make the function safe to repeat",
            "worker-kill-before-ack --kill worker --options '{\"retries\": 5}'",
            DOCS,
        )
    yield Finding(
        "what a dead worker held is found soon",
        f"timeout, timers: {recovery.why}",
        'give the worker timers={"sweep": ...} of a few seconds, and jobs a timeout that fits',
        "worker-kill-before-ack --kill worker",
        DOCS,
    )
    yield Finding(
        "a job that runs twice has one effect",
        "a job that is slower than its timeout is swept while it runs, and run again",
        "give jobs a timeout above what they take, and one idempotency key for each job's key",
        "worker-kill-before-ack --kill worker",
        DOCS,
    )


def _timeout_s(looked: Looked) -> float:
    return float(looked.options.get("timeout", TIMEOUT_S) or 0.0)


def _loaded(body: bytes | None) -> Mapping[str, Any] | None:
    try:
        job = json.loads(body or b"")
    except ValueError:
        return None
    return job if isinstance(job, dict) else None


def _key(identifier: bytes) -> str:
    return identifier.decode(errors="replace").removeprefix(JOB).partition(":")[2]


LIBRARY = Saq()
