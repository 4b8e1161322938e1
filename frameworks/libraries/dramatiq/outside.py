"""Dramatiq from the outside: its worker command, what its settings promise, what its Redis holds.

A message lies in the list of its queue, by an id of its own, until a process of a worker fetches
it; then the id is in a set of that process (``__acks__``) until its ack. Each command of a process
is its heartbeat. Now and then a command does maintenance, by chance: what processes have fetched
whose last heartbeat is too old goes back to the list.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from msgspec.structs import replace

from ....backends.claims import Claims
from ....backends.system import Framing
from ....protocol.commands import Inspected
from ...brokers.rabbitmq import RECOVERY_S, RECOVERY_WHY
from ...brokers.redis import Redis, opened
from ...brokers.resp import Passing, RedisCalls, Words, words_of
from ...library import LEAST, Finding, Held, Looked, Recovery
from . import TITLE, on_rabbitmq

HEARTBEAT_MS, CHANCE, IN = 60_000, 1000, 1_000_000  # dramatiq.brokers.redis
COMMAND, QUEUE, FIRST = 4, 6, 11  # places in EVALSHA: the command, its queue, what it is about
ASKS_EVERY_S = 1.0  # an idle process, of each of its queues
SURE = 7.0  # so many times the mean wait, and one wait in a thousand is longer
DELAYED, DEAD = ".DQ", ".XQ"
DOCS = "https://dramatiq.io/"


class Dramatiq:
    """See :class:`...library.Library`."""

    name: ClassVar[str] = "dramatiq"
    title: ClassVar[str] = TITLE
    renames: ClassVar[bool] = True
    own_task: ClassVar[str] = "jobquake.play"
    notices_s: ClassVar[float] = 5.0

    def framing(self, looked: Looked) -> Framing:
        return on_rabbitmq.framing() if on_rabbitmq.is_it(looked) else RedisCalls(Commands)

    def claims(self, looked: Looked) -> Claims:
        return replace(LEAST, delays=True)  # its time limit is 600 s, longer than a run waits

    def recovery(self, looked: Looked) -> Recovery:
        if on_rabbitmq.is_it(looked):
            return Recovery(RECOVERY_S, RECOVERY_WHY)
        offline_s, chance = _offline_s(looked), _chance(looked)
        sweep_s = SURE * ASKS_EVERY_S / chance if chance else float("inf")
        return Recovery(
            offline_s + sweep_s,
            f"{offline_s:g} s without a heartbeat (heartbeat_timeout), then maintenance by chance, "
            f"in {chance:.2%} of commands (maintenance_chance)",
        )

    def worker(
        self, python: str, target: str, looked: Looked, queues: Sequence[str], number: int
    ) -> list[str]:
        module, _, path = target.partition(":")
        given = target if path and looked.settings.get("names_broker") else module
        command = [python, "-m", "dramatiq", given]
        return command + (["--queues", *queues] if queues else [])

    def held(self, looked: Looked, address: str) -> Held:
        if on_rabbitmq.is_it(looked):
            return on_rabbitmq.held(address)
        with opened(looked.broker, address) as redis:
            now, names = redis.now(), _Names(redis, looked)
            jobs = dict(names.dead())
            jobs |= dict(names.fetched(now, self.recovery(looked))) | dict(names.queued(now))
            return Held(jobs, now)

    def examine(self, looked: Looked) -> list[Finding]:
        if on_rabbitmq.is_it(looked):
            return [*on_rabbitmq.findings(looked), *_of_any(looked)]
        return [_of_redis(self.recovery(looked)), *_of_any(looked)]


class Commands:
    """Dramatiq's commands on Redis, all of them one script; see :class:`...brokers.resp.Reader`.

    A message has an id of its own on Redis, by which it is acknowledged.
    """

    def __init__(self) -> None:
        self._jobs: dict[bytes, str] = {}

    def request(self, words: Words) -> Passing | None:
        command = _command(words)
        if command == b"enqueue" and len(words) > FIRST + 1:
            job = _identifier(words[FIRST + 1])
            self._jobs[words[FIRST]] = job
            again = words[QUEUE].endswith(DELAYED.encode())
            return Passing(
                "enqueue", job, f"sent enqueue{' with a delay' if again else ''} with it"
            )
        if command in (b"ack", b"nack") and len(words) > FIRST:
            job = self._jobs.get(words[FIRST], "")
            of_copy = words[QUEUE].endswith(DELAYED.encode())
            call = "ack" if command == b"ack" and not of_copy else ""
            return Passing(call, job, f"sent {command.decode()} of it") if job else None
        return None

    def reply(self, words: Words, reply: bytes) -> Passing | None:
        if _command(words) != b"fetch" or reply[:1] != b"*":
            return None
        jobs = [job for message in words_of(reply) if (job := _identifier(message))]
        told, between = "Redis answered fetch with it", "after fetch had answered with it"
        return Passing("lease", jobs[-1], told, between=between) if jobs else None


class _Names:
    """What the keys of a Redis say of each message, by its id in Dramatiq."""

    def __init__(self, redis: Redis, looked: Looked) -> None:
        self._redis, self._looked = redis, looked
        self._start = f"{looked.settings.get('namespace') or 'dramatiq'}:"
        self._keys = redis.names(f"{self._start}*")
        self._known = {
            key.removeprefix(self._start).removesuffix(".msgs"): dict(self._messages(key))
            for key in self._keys
            if key.endswith(".msgs")
        }

    def _messages(self, key: str) -> Iterator[tuple[bytes, Mapping[str, Any]]]:
        flat = self._redis.ask("HGETALL", key)
        for identifier, body in zip(flat[::2], flat[1::2], strict=True):
            if (message := _message(body)) is not None:
                yield identifier, message

    def dead(self) -> Iterator[tuple[str, Inspected]]:
        for queue, messages in self._known.items():
            if queue.endswith(DEAD):
                for message in messages.values():
                    lines = str(message["options"].get("traceback") or "").strip().splitlines()
                    reason = lines[-1].strip() if lines else ""
                    where = f"the dead-letter queue {queue}: {reason}".rstrip(": ")
                    yield (
                        message["message_id"],
                        Inspected("dead", reason=reason or where, where=where),
                    )

    def queued(self, now: float) -> Iterator[tuple[str, Inspected]]:
        for queue, messages in self._known.items():
            if queue.endswith(DEAD):
                continue
            for identifier in self._redis.ask("LRANGE", f"{self._start}{queue}", 0, -1):
                if message := messages.get(identifier):
                    yield message["message_id"], _waits(message, now, f"the queue {queue}")

    def fetched(self, now: float, recovery: Recovery) -> Iterator[tuple[str, Inspected]]:
        """What processes have fetched and not acknowledged, living or dead."""
        acks = f"{self._start}__acks__."
        offline_s = _offline_s(self._looked)
        for key in self._keys:
            if not key.startswith(acks):
                continue
            process, _, queue = key.removeprefix(acks).partition(".")
            score = self._redis.ask("ZSCORE", f"{self._start}__heartbeats__", process)
            silent_s = max(0.0, now - float(score) / 1000) if score else 0.0
            back_s = max(0.0, offline_s - silent_s) + recovery.seconds - offline_s
            where = (
                f"what process {process[:8]} has fetched; its last heartbeat {silent_s:.0f} s ago"
            )
            for identifier in self._redis.ask("SMEMBERS", key):
                message = self._known.get(queue, {}).get(identifier)
                if message is None:
                    continue
                if queue.endswith(DELAYED):
                    yield message["message_id"], _waits(message, now, where)
                else:
                    job = Inspected("leased", where=where, due_s=back_s)
                    yield message["message_id"], job


def _waits(message: Mapping[str, Any], now: float, where: str) -> Inspected:
    eta = message["options"].get("eta")
    due_s = max(0.0, float(eta) / 1000 - now) if eta else None
    return Inspected("ready", where=where, due_s=due_s)


def _of_redis(recovery: Recovery) -> Finding:
    return Finding(
        "what a dead worker held is found soon",
        f"heartbeat_timeout, maintenance_chance: {recovery.why}",
        "RedisBroker(heartbeat_timeout=..., maintenance_chance=...): a shorter timeout, and a "
        "chance of 100,000 or more where few workers ask",
        "worker-kill-before-ack --kill worker",
        f"{DOCS}reference.html#dramatiq.brokers.redis.RedisBroker",
    )


def _of_any(looked: Looked) -> Iterator[Finding]:
    if not looked.settings.get("retries", True):
        yield Finding(
            "a job that failed is run again",
            "the middleware Retries is not there",
            "leave Retries among the middleware, or add it",
            "retry-storm",
            f"{DOCS}guide.html#message-retries",
        )
    yield Finding(
        "a job that runs twice has one effect",
        "messages are delivered at least once: a process that dies before its ack leaves its "
        "messages to another",
        "make actors safe to repeat: one idempotency key for each message",
        "worker-kill-before-ack --kill worker",
        f"{DOCS}best_practices.html",
    )


def _offline_s(looked: Looked) -> float:
    return float(looked.settings.get("heartbeat_timeout") or HEARTBEAT_MS) / 1000


def _chance(looked: Looked) -> float:
    said = looked.settings.get("maintenance_chance")
    return min(1.0, float(CHANCE if said is None else said) / IN)


def _command(words: Words) -> bytes:
    whole = len(words) > FIRST - 1 and words[0].upper() in (b"EVALSHA", b"EVAL")
    return words[COMMAND] if whole else b""


def _message(body: bytes) -> Mapping[str, Any] | None:
    try:
        message = json.loads(body)
    except ValueError:
        return None
    whole = isinstance(message, dict) and isinstance(message.get("options"), dict)
    return message if whole and isinstance(message.get("message_id"), str) else None


def _identifier(body: bytes) -> str:
    message = _message(body)
    return str(message["message_id"]) if message else ""


LIBRARY = Dramatiq()
