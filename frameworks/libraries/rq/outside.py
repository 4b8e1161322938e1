"""RQ from the outside: its worker command, what its settings promise, what its Redis holds.

A job's id moves from the list of its queue to an intermediate list, then to the registry of
started jobs (``wip``) with the time until which its worker's heartbeat vouches for it. What is
there for longer is abandoned: some worker's maintenance moves it to the failed registry, or
enqueues it again if it has retries left.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterator, Sequence
from typing import ClassVar

from ....backends.claims import Claims
from ....protocol.commands import Inspected
from ...brokers.redis import Redis, opened
from ...brokers.resp import Passing, RedisCalls, Words, words_of
from ...library import LEAST, Finding, Held, Looked, Recovery
from . import TITLE

MONITORING_S, MAINTENANCE_S, WORKER_TTL_S = 30.0, 600.0, 420.0  # rq.defaults
HEARTBEAT_GRACE_S = 60.0  # rq.worker.base.BaseWorker.get_heartbeat_ttl
DEQUEUE_BEFORE_TTL_S = 15.0
BETWEEN_LISTS_S = 60.0  # rq.intermediate_queue.IntermediateQueue.should_be_cleaned_up
QUEUE, FAILED, FINISHED = "rq:queue:", "rq:failed:", "rq:finished:"
WIP, SCHEDULED, DEFERRED, CANCELED = "rq:wip:", "rq:scheduled:", "rq:deferred:", "rq:canceled:"
ORDER = (FINISHED, CANCELED, FAILED, DEFERRED, SCHEDULED, QUEUE, WIP)
INTERMEDIATE = ":intermediate"
TAKES = ("BLMOVE", "LMOVE", "BRPOPLPUSH", "RPOPLPUSH", "BLPOP", "LPOP", "BRPOP")


class Rq:
    """See :class:`...library.Library`."""

    name: ClassVar[str] = "rq"
    title: ClassVar[str] = TITLE
    renames: ClassVar[bool] = True
    own_task: ClassVar[str] = "jobquake_play.play"
    notices_s: ClassVar[float] = 5.0

    def framing(self, looked: Looked) -> RedisCalls:
        return RedisCalls(Commands)

    def claims(self, looked: Looked) -> Claims:
        return LEAST  # its timeout is 180 s, longer than a run waits for a job that hangs

    def recovery(self, looked: Looked) -> Recovery:
        abandoned_s = _word(looked, "--job-monitoring-interval", MONITORING_S) + HEARTBEAT_GRACE_S
        sweep_s = _sweep_s(looked)
        # One maintenance notes a job that lies between two lists, a later one gives it up.
        later_s = sweep_s + (BETWEEN_LISTS_S if sweep_s <= BETWEEN_LISTS_S else 0.0)
        return Recovery(
            abandoned_s + sweep_s + later_s,
            f"{abandoned_s:g} s after the last heartbeat the job counts as abandoned, a worker's "
            f"maintenance comes within {sweep_s:g} s, and a job between two lists needs two",
        )

    def worker(
        self, python: str, target: str, looked: Looked, queues: Sequence[str], number: int
    ) -> list[str]:
        command = [python, "-m", "rq.cli", "worker", "-u", looked.broker]
        return command + list(queues or looked.queues)

    def named(self, number: int) -> list[str]:
        return ["--name", f"w{number + 1}"]

    @property
    def delays(self) -> list[str]:
        return ["--with-scheduler"]

    def held(self, looked: Looked, address: str) -> Held:
        with opened(looked.broker, address) as redis:
            jobs, now = dict[str, Inspected](), redis.now()
            for key in sorted(redis.names("rq:*"), key=_rank):
                jobs |= dict(_of_key(redis, key, looked, now))
            return Held(jobs, now)

    def examine(self, looked: Looked) -> list[Finding]:
        found = list(_findings(self.recovery(looked)))
        return (
            found if "--with-scheduler" in looked.worker or not looked.worker else [*found, LATER]
        )


class Commands:
    """RQ's commands on Redis; see :class:`...brokers.resp.Reader`."""

    def request(self, words: Words) -> Passing | None:
        command, key = words[0].upper().decode(), _text(words[1]) if len(words) > 1 else ""
        if command in ("RPUSH", "LPUSH") and key.startswith(QUEUE) and len(words) > 2:
            return Passing("enqueue", _text(words[2]), f"sent {command} {key} with it")
        if command == "ZADD" and key.startswith((WIP, FAILED, FINISHED, SCHEDULED)):
            job = _text(words[-1]).partition(":")[0]
            call = "ack" if key.startswith(FINISHED) else ""
            return Passing(call, job, f"sent ZADD {key} with it")
        if command in TAKES:
            return Passing("lease", "", "asked for a job")  # which one, its answer tells
        return None

    def reply(self, words: Words, reply: bytes) -> Passing | None:
        command = words[0].upper().decode()
        if command not in TAKES or reply[:1] not in b"$*" or reply[1:2] == b"-":
            return None
        found = words_of(b"*1\r\n" + reply) if reply[:1] == b"$" else words_of(reply)
        if not found:
            return None
        told = f"Redis answered {command} with it, after which ZADD rq:wip has to follow"
        between = f"after {command} had answered with it and before ZADD rq:wip was sent"
        return Passing("lease", _text(found[-1]), told, between=between)


def _findings(recovery: Recovery) -> Iterator[Finding]:
    yield Finding(
        "a job whose process died is run again",
        "retry is not given: the job goes to the failed registry, where it stays until somebody "
        "requeues it",
        "enqueue with retry=Retry(max=3), and make the job safe to repeat",
        "worker-kill-before-ack --kill child --options '{\"retry\": 3}'",
        "https://python-rq.org/docs/exceptions/#retrying-failed-jobs",
    )
    yield Finding(
        "what a dead worker held is found soon",
        f"--job-monitoring-interval, --maintenance-interval, --worker-ttl: {recovery.why}",
        "start workers with --maintenance-interval and --worker-ttl of a minute or less",
        "worker-kill-before-ack --kill worker",
        "https://python-rq.org/docs/workers/",
    )


LATER = Finding(
    "a job that is due later is run",
    "--with-scheduler is not given: what enqueue_in and enqueue_at have scheduled stays there",
    "start a worker with --with-scheduler",
    "delayed-past-lease",
    "https://python-rq.org/docs/scheduling/",
)


def _of_key(redis: Redis, key: str, looked: Looked, now: float) -> Iterator[tuple[str, Inspected]]:
    kind = redis.ask("TYPE", key) if key.startswith(ORDER) else b""
    if kind == b"list":
        for identifier in redis.ask("LRANGE", key, 0, -1):
            state = "leased" if key.endswith(INTERMEDIATE) else "ready"
            yield _text(identifier), Inspected(state, where=f"the list {key}")  # type: ignore[arg-type]
    elif kind == b"zset":
        flat = redis.ask("ZRANGE", key, 0, -1, "WITHSCORES")
        for member, score in zip(flat[::2], flat[1::2], strict=True):
            identifier = _text(member).partition(":")[0]  # behind it comes its execution's
            left_s = float(score) - now
            yield identifier, _in_registry(redis, key, identifier, left_s, looked)


def _in_registry(
    redis: Redis, key: str, identifier: str, left_s: float, looked: Looked
) -> Inspected:
    where = f"the registry {key}"
    if key.startswith(FINISHED):
        return Inspected("done", where=where)
    if key.startswith((FAILED, CANCELED)):
        reason = _reason(redis, identifier)
        return Inspected("dead", reason=reason or where, where=f"{where}: {reason}".rstrip(": "))
    if key.startswith(DEFERRED):
        return Inspected("ready", where=where)
    if key.startswith(SCHEDULED):
        return Inspected("ready", where=where, due_s=max(0.0, left_s))
    where += f" of started jobs, with a heartbeat good for {max(0.0, left_s):.0f} s"
    return Inspected("leased", where=where, due_s=max(0.0, left_s) + _sweep_s(looked))


def _sweep_s(looked: Looked) -> float:
    """Until an idle worker looks: it waits for a job for a while, then looks at its clock."""
    waits_s = _word(looked, "--worker-ttl", WORKER_TTL_S) - DEQUEUE_BEFORE_TTL_S
    return _word(looked, "--maintenance-interval", MAINTENANCE_S) + max(1.0, waits_s)


def _rank(key: str) -> tuple[int, str]:
    """What says the last word on a job is read last."""
    found = next((number for number, start in enumerate(ORDER) if key.startswith(start)), 0)
    return found, key


def _text(word: bytes) -> str:
    return word.decode(errors="replace")


def _reason(redis: Redis, identifier: str) -> str:
    """The last line of what RQ has kept of the failure."""
    kept = redis.ask("XREVRANGE", f"rq:results:{identifier}", "+", "-", "COUNT", 1)
    for _, fields in kept or []:
        told = dict(zip(fields[::2], fields[1::2], strict=True)).get(b"exc_string")
        lines = _unpacked(told).strip().splitlines() if told else []
        if lines:
            return lines[-1].strip()
    return ""


def _unpacked(told: bytes) -> str:
    try:
        return _text(zlib.decompress(base64.b64decode(told)))
    except (ValueError, zlib.error):
        return _text(told)


def _word(looked: Looked, option: str, otherwise: float) -> float:
    """What the team's worker command says for that option."""
    words = list(looked.worker)
    for number, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name == option:
            value = value if equals else (words[number + 1] if number + 1 < len(words) else "")
            return float(value) if value.replace(".", "", 1).isdecimal() else otherwise
    return otherwise


LIBRARY = Rq()
