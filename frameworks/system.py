"""An app as a system under test: its own workers, its own client, a broker of jobquake's.

The team's code, commands and settings stay as they are; where they name their broker, their
connections are led to a proxy before a private server (``inside/redirect.py``).
"""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from msgspec.structs import replace

from ..backends.adapter import Connection, Unavailable
from ..backends.claims import Claims
from ..backends.framework import Program, Renaming, Service, Settings, Wishes
from ..backends.system import EVERYTHING, Advised, Driver, Framing
from ..errors import EnvironmentFault
from ..protocol.events import Event
from ..protocol.probe import TASK
from ..servers import running
from .app import INSIDE, App
from .brokers import theirs
from .brokers.kind import REDIS, Kind, kind_of
from .brokers.redis import Place, Redis, place_of, shown
from .control import Control
from .library import Library, Looked, LooksWhenNew, Obliging, Recovery
from .witnessed import WitnessedApp

UNSEEN = {
    Event.LEASED, Event.EXTEND_ANSWERED, Event.LEASE_LOST, Event.EFFECT, Event.NOTHING_TO_DO,
    Event.HANDBACK_SENT, Event.NACK_ANSWERED, Event.RELEASE_ANSWERED, Event.REPLAY_SENT,
    Event.REPLAY_ANSWERED, Event.DEAD_LISTED,
}  # fmt: skip
OWN_QUEUES = "queues of the scenario"  # a worker is told which of them it serves
NAMES, DELAYS = "names of workers", "delayed jobs"


@dataclass(frozen=True)
class AppSystem(WitnessedApp):
    """See :class:`..backends.framework.FrameworkSystem`."""

    app: App
    library: Library
    looked: Looked
    properties: tuple[Any, ...] = ()
    theirs: Place | None = None
    violates: ClassVar[None] = None
    kills: ClassVar[tuple[str, ...]] = ("child", "worker", "taking")
    drivers: ClassVar[tuple[Driver, ...]] = ("process",)

    @property
    def name(self) -> str:
        return self.app.target

    @property
    def summary(self) -> str:
        return f"{self.library.title} {self.looked.version}, {self.task}"

    @property
    def options(self) -> str:
        app = self.app
        said = {
            "--app": app.target, "--app-dir": str(app.folder) if app.folder != Path.cwd() else "",
            "--task": app.task, "--args": app.args, "--options": app.options,
            "--python": app.python if app.python != sys.executable else "",
            "--worker": app.worker or "", "--effects": app.effects, "--effect-id": app.effect_id,
            "--broker": app.broker,
        }  # fmt: skip
        words = [word for pair in said.items() if pair[1] for word in pair]
        words += ["--snapshots"] if app.snapshots else []
        for said in self.properties:
            if isinstance(said.question, str) and said.that is None:
                words += [f"--{said.kind}", said.question]
        return shlex.join([*words, *(w for s in app.services for w in ("--service", s.said))])

    @property
    def task(self) -> str:
        return self.looked.task or self.library.own_task

    @property
    def own_task(self) -> bool:
        """Whether jobquake's own task is called, which does what a plan says."""
        return self.task == self.library.own_task

    @property
    def recovery(self) -> Recovery:
        """How long it may take by itself to bring back what a dead worker held."""
        return self.library.recovery(self.looked)

    @property
    def claims(self) -> Claims:
        claims = self.library.claims(self.looked)
        return replace(claims, durable=False) if self.app.snapshots else claims

    @property
    def framing(self) -> Framing:
        return self.library.framing(self.looked)

    @property
    def sees(self) -> frozenset[Event]:
        return EVERYTHING - (UNSEEN - {Event.EFFECT} if self.tells_effects else UNSEEN)

    def elsewhere(self) -> str:
        """Where the broker is, if it is the team's own."""
        return "its Redis is yours, which keeps real time" if self.theirs else ""

    def vacate(self, folder: Path) -> None:
        """Leave the team's Redis as it was. Raises Unavailable."""
        if self.theirs:
            try:
                theirs.empty(self.theirs)
            except (OSError, EnvironmentFault) as error:
                raise Unavailable(
                    f"{shown(self.app.broker)} keeps what the run left: {error}"
                ) from None

    def server(self, folder: Path, port: int) -> list[str] | None:
        if self.theirs:
            at = f"{self.theirs.host}:{self.theirs.port}"
            return [sys.executable, "-m", "jobquake.servers.theirs", at]
        kind = self._kind.server
        return running.command(kind, folder / kind, port, careless=self.app.snapshots)

    @property
    def untold(self) -> str:
        """See :class:`..backends.framework.Queued`."""
        if not self.app.worker:
            return ""
        return (
            "its workers serve the queues that your worker command names, and the scenario has "
            "others; leave --worker out"
        )

    @property
    def renames(self) -> bool:
        return isinstance(self.library, Renaming) and self.library.renames

    @property
    def fillable(self) -> bool:
        return self._kind is REDIS and not self.theirs

    def fill(self, address: str, full: bool) -> None:
        """See :class:`..backends.adapter.Fillable`: as if somebody else's keys had filled it."""
        redis = Redis(address)
        try:
            redis.ask("CONFIG", "SET", "maxmemory", int(full))
        finally:
            redis.close()

    def programs(self) -> Sequence[str]:
        """See :class:`..backends.adapter.Starting`; a path is relative to the app's folder."""
        words = self.app.worker_words or [self.app.python]
        started = [self.app.python, words[0]]
        return [str(self.app.folder / word) if os.sep in word else word for word in started]

    def settings(self, wishes: Wishes) -> Settings:
        given = {name: json.dumps(value) for name, value in self.looked.settings.items()}
        if len(wishes.queues) > 1:
            given[OWN_QUEUES] = ", ".join(wishes.queues)
        if isinstance(self.library, Obliging) and not self.app.worker:
            if wishes.names:
                given[NAMES] = shlex.join(self.library.named(0))
            if wishes.delays:
                given[DELAYS] = shlex.join(self.library.delays)
        return Settings(given, ("lease_s", "grace_s", "max_deliveries", "retry"))

    def worker_command(
        self,
        folder: Path,
        address: str,
        queues: tuple[str, ...],
        settings: Settings,
        number: int,
    ) -> Program:
        asked = queues if OWN_QUEUES in settings.given else ()
        app = self.app
        usual = self.library.worker(app.python, app.target, self.looked, asked, number)
        if isinstance(self.library, Obliging):
            usual += self.library.named(number) if NAMES in settings.given else []
            usual += self.library.delays if DELAYS in settings.given else []
        return Program(app.worker_words or usual, self._environment(address), self.app.folder)

    def producer_command(self, folder: Path, address: str) -> Program:
        words = [self.app.python, str(INSIDE / "run.py"), "produce"]
        words += [self.app.target, self.task, self.app.args, self.app.options]
        return Program(words, self._environment(address), self.app.folder)

    def preparing_command(self, folder: Path, address: str) -> Program | None:
        if not self.looked.prepares:
            return None
        words = [self.app.python, str(INSIDE / "run.py"), "prepare", self.app.target]
        return Program(words, self._environment(address), self.app.folder)

    def advice(self) -> Sequence[Advised]:
        found = self.library.examine(self.looked)
        return [Advised(one.guarantee, one.setting, one.advice, one.source) for one in found]

    def control(self, address: str) -> Connection:
        library, looked = self.library, self._looked_there()
        nudge = (
            partial(library.nudge, looked, address) if isinstance(library, LooksWhenNew) else None
        )
        return Control(partial(library.held, looked, address), library.notices_s, nudge)

    def _environment(self, address: str) -> Mapping[str, str]:
        """The team's, with our folder first on PYTHONPATH, and where their broker is now.

        Programs beside the app's Python come first, as where its environment is activated.
        """
        host, _, port = address.rpartition(":")
        login: dict[str, Any] = dict(self._kind.login)
        if self.theirs:
            login |= {
                "username": self.theirs.user or None,
                "password": self.theirs.password or None,
            }
            login["db"] = self.theirs.database
        ways = [[*place, host, int(port), login] for place in self._places()]
        theirs = self.app.env.get("PYTHONPATH", os.environ.get("PYTHONPATH", ""))
        path = [str(INSIDE / "start"), *([theirs] if theirs else [])]
        python = self.app.python
        beside = [str(Path(self.app.folder, python).parent)] if os.sep in python else []
        programs = self.app.env.get("PATH", os.environ.get("PATH", os.defpath))
        return {
            **self.app.env,
            "PATH": os.pathsep.join([*beside, *programs.split(os.pathsep)]),
            "PYTHONPATH": os.pathsep.join(path),
            "JOBQUAKE_REDIRECT": json.dumps(ways),
            TASK: self.task,
        }

    @property
    def services(self) -> Sequence[Service]:
        return [found.service for found in self.app.services]

    def lead(self, env: Mapping[str, str], places: Mapping[str, str]) -> Mapping[str, str]:
        """Connections of Python's own are led there; for others, where their environment names it.

        A program in C, such as libpq, goes by a URL in the environment or not at all.
        """
        ways, led = json.loads(env["JOBQUAKE_REDIRECT"]), dict(env)
        named = {name: value for name, value in {**os.environ, **env}.items() if ":" in value}
        for service in self.services:
            place = places[service.name]
            host, _, port = place.rpartition(":")
            ways.append([service.host, service.port, host, int(port)])
            there = re.compile(rf"\b{re.escape(service.host)}:{service.port}(?!\d)")
            for name, value in named.items():
                if name != "JOBQUAKE_REDIRECT" and there.search(value):
                    led[name] = there.sub(place, led.get(name, value))
        return {**led, "JOBQUAKE_REDIRECT": json.dumps(ways)}

    def _looked_there(self) -> Looked:
        """The same app, with the URLs that lead to where its broker is in a run."""
        looked = self.looked
        if self._kind is not REDIS:
            return looked
        urls = {"broker": looked.broker, "results": looked.results}
        there = {
            name: (self.theirs or place_of(url)._replace(user="", password="")).url
            for name, url in urls.items()
            if REDIS.speaks(url)
        }
        return replace(looked, **there)

    @property
    def _kind(self) -> Kind:
        """Of its broker. Raises :class:`UsageError`."""
        return kind_of(self.looked.broker)

    def _places(self) -> set[tuple[str, int]]:
        """Where the servers are that a run puts its own in the place of."""
        urls = [self.looked.broker, self.looked.results]
        return {self._kind.place(url) for url in urls if self._kind.speaks(url)}
