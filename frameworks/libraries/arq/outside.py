"""ARQ from the outside: its worker command, what its settings promise, what its Redis holds.

A job lies in a sorted set, by the time when it is due, until it is finished: while it runs, too. A
key of its own says that it is in progress, and ends by itself after the longest timeout and ten
seconds more; from then on any worker takes the job again. Each begin counts as a try, and after
``max_tries`` of them the job is given up with a result that says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from msgspec.structs import replace

from ....backends.claims import Claims
from ....protocol.commands import Inspected
from ...brokers.pickled import strings_of
from ...brokers.redis import Redis, opened
from ...brokers.resp import Passing, RedisCalls, Words
from ...library import LEAST, Finding, Held, Looked, Recovery
from . import TITLE

JOB, PROGRESS, RESULT, RETRY = "arq:job:", "arq:in-progress:", "arq:result:", "arq:retry:"
SEEN_WITHIN_S = 20.0  # a timeout that a run waits for
POLLS = 2  # a worker's key ends between two polls, and the next one finds the job
DOCS = "https://arq-docs.helpmanuals.io/"


class Arq:
    """See :class:`...library.Library`."""

    name: ClassVar[str] = "arq"
    title: ClassVar[str] = TITLE
    own_task: ClassVar[str] = "jobquake.play"
    notices_s: ClassVar[float] = 2.0

    def framing(self, looked: Looked) -> RedisCalls:
        return RedisCalls(Commands)

    def claims(self, looked: Looked) -> Claims:
        limit_s = _limit_s(looked)
        return replace(LEAST, delays=True, timeouts=0.0 < limit_s <= SEEN_WITHIN_S)

    def recovery(self, looked: Looked) -> Recovery:
        progress_s, poll_s = _progress_s(looked), float(looked.settings.get("poll_delay") or 0.5)
        return Recovery(
            progress_s + POLLS * poll_s,
            f"{progress_s:g} s after it was taken (the longest job_timeout and 10 s) the job "
            f"counts as in progress no more, then a worker asks every {poll_s:g} s (poll_delay)",
        )

    def worker(
        self, python: str, target: str, looked: Looked, queues: Sequence[str], number: int
    ) -> list[str]:
        return [python, "-m", "arq", target.replace(":", ".")]

    def held(self, looked: Looked, address: str) -> Held:
        with opened(looked.broker, address) as redis:
            now = redis.now()
            return Held(dict(_results(redis)) | dict(_queued(redis, looked, now)), now)

    def examine(self, looked: Looked) -> list[Finding]:
        return list(_findings(looked, self.recovery(looked)))


class Commands:
    """ARQ's commands on Redis; see :class:`...brokers.resp.Reader`."""

    def request(self, words: Words) -> Passing | None:
        command, key = words[0].upper(), _text(words[1]) if len(words) > 1 else ""
        if command == b"PSETEX" and key.startswith(JOB):
            return Passing("enqueue", key[len(JOB) :], "sent PSETEX arq:job with it")
        if command == b"PSETEX" and key.startswith(PROGRESS):
            return Passing("", key[len(PROGRESS) :], "sent PSETEX arq:in-progress of it")
        if command == b"ZREM" and not key.startswith("arq:abort"):
            return Passing("ack", _text(words[2]), f"sent ZREM {key} of it")
        return None

    def reply(self, words: Words, reply: bytes) -> Passing | None:
        """A job stays where it is, and what counts as taking it is that it is in progress."""
        if words[0].upper() != b"PSETEX" or not (key := _text(words[1])).startswith(PROGRESS):
            return None
        told = "Redis answered PSETEX arq:in-progress of it"
        between = "after PSETEX arq:in-progress was answered"
        return Passing("lease", key[len(PROGRESS) :], told, between=between)


def _queued(redis: Redis, looked: Looked, now: float) -> Iterator[tuple[str, Inspected]]:
    key = looked.queue
    flat = redis.ask("ZRANGE", key, 0, -1, "WITHSCORES")
    for member, at_ms in zip(flat[::2], flat[1::2], strict=True):
        job = _text(member)
        left_ms, tries = redis.ask("PTTL", f"{PROGRESS}{job}"), redis.ask("GET", f"{RETRY}{job}")
        begun = f", begun {_text(tries)} times" if tries else ""
        if left_ms >= 0:
            left_s = left_ms / 1000
            where = f"{key}, in progress for {left_s:.0f} s more{begun}"
            yield job, Inspected("leased", where=where, due_s=left_s)
        else:
            waits_s = max(0.0, float(at_ms) / 1000 - now)
            yield job, Inspected("ready", where=f"{key}{begun}", due_s=waits_s or None)


def _results(redis: Redis) -> Iterator[tuple[str, Inspected]]:
    """What was given up leaves a result that is an error; its words stand in a pickle."""
    for key in redis.names(f"{RESULT}*"):
        job, kept = key[len(RESULT) :], redis.ask("GET", key)
        reason = _error(kept) if kept else ""
        if reason:
            yield job, Inspected("dead", reason=reason, where=f"{key}: {reason}")


def _error(pickle: bytes) -> str:
    """The class and the words of the error in a result; "" if it succeeded."""
    found = strings_of(pickle)
    if "r" not in found or "st" not in found:
        return ""
    told = found[found.index("r") + 1 : found.index("st")]
    return ": ".join(told[1:]) if len(told) > 1 and _is_error(told) else ""


def _is_error(told: list[str]) -> bool:
    """Behind a class comes what it was made with: the module, the name, the words."""
    return told[1][:1].isupper() or told[1].endswith(("Error", "Exception", "Failed"))


def _findings(looked: Looked, recovery: Recovery) -> Iterator[Finding]:
    yield Finding(
        "what a dead worker held is run again soon",
        f"job_timeout, of the worker or of its slowest function: {recovery.why}",
        "set job_timeout, and timeout of each func(), to a little more than the longest job takes",
        "worker-kill-before-ack --kill worker",
        DOCS,
    )
    tries = looked.setting("max_tries")
    yield Finding(
        "a job whose worker dies again and again is not given up",
        f"max_tries={tries:g}: each death of a worker is a try, and so is that of its neighbours",
        "set max_tries above the restarts that a deploy makes; what was given up is a result",
        "poison-job",
        DOCS,
    )
    yield Finding(
        "a job that failed is run again",
        "an exception that is not Retry ends the job with a result",
        "raise arq.Retry(defer=...) for what may succeed later",
        "retry-storm",
        DOCS,
    )
    yield Finding(
        "a job that runs twice has one effect",
        "jobs are run at least once: a worker that dies or is stopped leaves its jobs to another",
        "make functions safe to repeat: one idempotency key for each job_id",
        "worker-kill-before-ack --kill worker",
        DOCS,
    )


def _progress_s(looked: Looked) -> float:
    return float(looked.settings.get("in_progress_s") or 310.0)


def _limit_s(looked: Looked) -> float:
    return float(looked.setting("job_timeout") or 0.0)


def _text(word: bytes) -> str:
    return word.decode(errors="replace")


LIBRARY = Arq()
