"""The TOML file that describes a queue: which commands there are, and what they promise.

worker = "node worker.js"
enqueue = "node enqueue.js {id}"
inspect = "node inspect.js"
broker = "redis"

[env]
REDIS_URL = "redis://{address}/0"

[claims]
retries = true
"""

from __future__ import annotations

import shlex
import tomllib
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import asdict, fields

from ...backends.claims import Claims
from ...errors import UsageError
from ..library import LEAST, Recovery

SUFFIX = ".toml"
Broker = Literal["", "redis", "postgres", "rabbitmq", "beanstalkd"]
Command = Annotated[str, Meta(min_length=1)]


class Description(Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """One file; commands are started in its folder, without a shell.

    ``worker`` starts one worker, ``enqueue`` enqueues one job and ends with 0 when it is accepted,
    ``inspect`` prints what the queue holds (:mod:`.system`), ``prepare`` is run once before them.
    In them and in the values of ``env``, ``{address}``, ``{host}`` and ``{port}`` are those of the
    ``broker`` of the run, ``{folder}`` its folder; in ``enqueue``, ``{id}``, ``{number}``,
    ``{queue}``, ``{priority}`` and ``{delay_s}`` those of the job; in ``worker``, ``{queues}``
    those that it serves, with commas.

    ``jobs``: ``played``, a job asks jobquake to play what the plan says, or ``own``, it does its
    own work and reports. ``recovers_within`` is how many seconds the queue may take to bring back
    what a dead worker held, ``recovers_by`` what decides that. ``claims`` are what it promises
    (:class:`...backends.claims.Claims`): by default, no more than to deliver.
    """

    worker: Command
    enqueue: Command
    inspect: Command
    prepare: str = ""
    broker: Broker = ""
    jobs: Literal["played", "own"] = "played"
    recovers_within: Annotated[float, Meta(ge=0)] = 30.0
    recovers_by: str = "recovers-within of its description"
    env: dict[str, str] = {}
    claims: dict[str, Any] = {}

    @property
    def promises(self) -> Claims:
        """What it claims. Raises msgspec.ValidationError about a claim that is none."""
        told = {name.replace("-", "_"): value for name, value in self.claims.items()}
        return msgspec.convert({**asdict(LEAST), **told}, Claims)

    @property
    def recovery(self) -> Recovery:
        return Recovery(self.recovers_within, self.recovers_by)


def read(file: Path) -> Description:
    """Raises :class:`UsageError`: one sentence that names the file and what is wrong in it."""
    try:
        table = tomllib.loads(file.read_text())
        _see_known(file, "key", table, [one.encode_name for one in fields(Description)])
        _see_known(file, "claim", table.get("claims", {}), [one.name for one in fields(Claims)])
        found = msgspec.convert(table, Description)
        _ = found.promises
        for command in (found.worker, found.enqueue, found.inspect, found.prepare):
            shlex.split(command)
    except OSError as error:
        raise UsageError(
            f"expected the description of a queue at {file}, found: {error.strerror}; write one, "
            "as docs/any-language.md shows"
        ) from None
    except ValueError as error:
        raise UsageError(
            f"expected {file} to describe a queue, found: {error}; see docs/any-language.md"
        ) from None
    return found


def _see_known(file: Path, what: str, table: Any, known: Sequence[str]) -> None:
    names = {name.replace("-", "_"): name for name in known}
    for name in table if isinstance(table, dict) else ():
        if name.replace("-", "_") not in names:
            near = get_close_matches(name, known, n=1, cutoff=0.6)
            hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
            raise UsageError(f"expected a {what} of a queue in {file}, found {name!r}; {hint}")


def words_of(command: str, said: Mapping[str, object]) -> list[str]:
    """The command word by word, with what is said in the place of each ``{name}``."""
    return [filled(word, said) for word in shlex.split(command)]


def filled(text: str, said: Mapping[str, object]) -> str:
    """Other braces stay as they are."""
    for name, value in said.items():
        text = text.replace(f"{{{name}}}", str(value))
    return text
