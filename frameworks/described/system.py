"""A described queue as a system under test; see :class:`...backends.framework.FrameworkSystem`."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal

import msgspec
from msgspec import Struct

from ...backends.adapter import Connection
from ...backends.claims import Claims
from ...backends.framework import Program, Settings, Wishes
from ...backends.system import EVERYTHING, Driver, Framing
from ...errors import EnvironmentFault
from ...protocol.commands import Inspected
from ...protocol.events import Event
from ...servers import running
from ..app import App
from ..control import Control
from ..library import Held, Recovery
from ..system import UNSEEN
from ..witnessed import WitnessedApp
from .description import Description, filled, words_of

PACKAGE = __package__
FRESH_S = 0.25
INSPECTED_WITHIN_S = 20.0
ACKS = frozenset({Event.ACK_SENT, Event.ACK_ANSWERED})


class Bytes:
    """A framing that knows nothing of what passes: links can break, single calls cannot."""

    numbered = False
    opaque = True

    def split(self, buffer: bytearray) -> list[bytes]:
        """All of it, as it came."""
        whole = bytes(buffer)
        buffer.clear()
        return [whole] if whole else []

    def describe(self, message: bytes) -> tuple[int, str, str]:
        return 0, "", ""


class Told(Struct, frozen=True, forbid_unknown_fields=True):
    """What ``inspect`` prints of one job, where that is more than its state."""

    state: Literal["ready", "leased", "dead"]
    where: str = ""
    reason: str = ""


@dataclass(frozen=True)
class DescribedSystem(WitnessedApp):
    """``app`` is where it lives and what the command line says of it; its target is the file."""

    app: App
    description: Description
    properties: tuple[Any, ...] = ()
    violates: ClassVar[None] = None
    drivers: ClassVar[tuple[Driver, ...]] = ("process",)
    kills: ClassVar[tuple[str, ...]] = ("worker",)  # of its processes nobody knows which runs a job

    @property
    def name(self) -> str:
        return self.app.target

    @property
    def summary(self) -> str:
        return f"described in {self.app.target}"

    @property
    def options(self) -> str:
        app = self.app
        said = {
            "--app": app.target, "--effects": app.effects, "--effect-id": app.effect_id,
            "--app-dir": str(app.folder) if app.folder != Path.cwd() else "",
            "--worker": app.worker or "",
        }  # fmt: skip
        return shlex.join(word for pair in said.items() if pair[1] for word in pair)

    @property
    def own_task(self) -> bool:
        """Whether its jobs do what a plan says."""
        return self.description.jobs == "played"

    @property
    def untold(self) -> str:
        """See :class:`...backends.framework.Queued`."""
        if "{queues}" in (self.app.worker or self.description.worker):
            return ""
        return "its workers serve one queue, as far as its description says ({queues})"

    @property
    def recovery(self) -> Recovery:
        return self.description.recovery

    @property
    def reports(self) -> str:
        asks = "$JOBQUAKE_JOBS/ID" if self.own_task else "$JOBQUAKE_JOBS/ID/began"
        return f"does a job of the worker make a POST request to {asks}, with its id?"

    @property
    def claims(self) -> Claims:
        return self.description.promises

    @property
    def framing(self) -> Framing | None:
        return Bytes() if self.description.broker else None

    @property
    def sees(self) -> frozenset[Event]:
        return EVERYTHING - (UNSEEN - {Event.EFFECT} if self.tells_effects else UNSEEN) - ACKS

    def server(self, folder: Path, port: int) -> list[str] | None:
        kind = self.description.broker
        return running.command(kind, folder / kind, port) if kind else None

    def programs(self) -> Sequence[str]:
        """See :class:`...backends.adapter.Starting`."""
        commands = (self.app.worker or self.description.worker, self.description.enqueue)
        started = [shlex.split(command)[0] for command in commands]
        found = [str(self.app.folder / word) if os.sep in word else word for word in started]
        kind = self.description.broker
        return [*(running.programs(kind) if kind else [sys.executable]), *found]

    def settings(self, wishes: Wishes) -> Settings:
        given = {"worker": self.app.worker or self.description.worker}
        return Settings(given, ("lease_s", "grace_s", "max_deliveries", "retry"))

    def worker_command(
        self,
        folder: Path,
        address: str,
        queues: tuple[str, ...],
        settings: Settings,
        number: int,
    ) -> Program:
        said = {**_places(folder, address), "queues": ",".join(queues), "worker": number}
        words = words_of(self.app.worker or self.description.worker, said)
        return self._program([sys.executable, "-m", f"{PACKAGE}.reporting", *words], said)

    def producer_command(self, folder: Path, address: str) -> Program:
        said = _places(folder, address)
        words = words_of(self.description.enqueue, said)
        return self._program([sys.executable, "-m", f"{PACKAGE}.producing", *words], said)

    def preparing_command(self, folder: Path, address: str) -> Program | None:
        """See :class:`...backends.framework.Preparing`."""
        if not self.description.prepare:
            return None
        said = _places(folder, address)
        return self._program(words_of(self.description.prepare, said), said)

    def control(self, address: str) -> Connection:
        held = partial(self._held, address)
        held()  # a command that does not work is told before the run, and not taken for silence
        return Control(held, 0.0, fresh_s=FRESH_S)

    def _program(self, words: list[str], said: Mapping[str, object]) -> Program:
        env = {name: filled(value, said) for name, value in self.description.env.items()}
        return Program(words, {**self.app.env, **env}, self.app.folder)

    def _held(self, address: str) -> Held:
        """Raises :class:`EnvironmentFault` if ``inspect`` does not tell."""
        said = _places(Path(address), address)
        program = self._program(words_of(self.description.inspect, said), said)
        try:
            done = subprocess.run(
                program.argv, cwd=program.folder, env={**os.environ, **program.env},
                capture_output=True, timeout=INSPECTED_WITHIN_S,
            )  # fmt: skip
            if done.returncode:
                raise _silent(program, f"that it ended with {done.returncode}", done.stderr)
            told = msgspec.json.decode(done.stdout, type=dict[str, Told | str])
            jobs = {job: _inspected(said) for job, said in told.items()}
        except (subprocess.TimeoutExpired, msgspec.DecodeError, OSError) as error:
            raise _silent(program, str(error)) from None
        return Held(jobs, time.time())


def _silent(program: Program, found: str, errors: bytes = b"") -> EnvironmentFault:
    lines = [line for line in errors.decode(errors="replace").splitlines() if "rror" in line]
    return EnvironmentFault(
        f"expected {shlex.join(program.argv)} to print what the queue holds as JSON, found "
        f"{found}{': ' + lines[0].strip() if lines else ''}"
    )


def _places(folder: Path, address: str) -> dict[str, object]:
    """Where the broker is; one that there is none of is the folder."""
    host, _, port = address.rpartition(":")
    return {"address": address, "host": host, "port": port, "folder": folder}


def _inspected(said: Told | str) -> Inspected:
    told = msgspec.convert({"state": said}, Told) if isinstance(said, str) else said
    return Inspected(told.state, reason=told.reason, where=told.where)
