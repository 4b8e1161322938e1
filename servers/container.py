"""A server as a container of ours: killed and started again with its data, always removed.

The container belongs to a folder, in which its name is written down before it is made, so
that whoever cleans up the folder finds it. It publishes one port, on loopback only, and
carries the run's mark as a label: ``docker ps --filter label=jobquake.run``. Images are
never pulled: a test run does not download anything by surprise.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from .source import MissingServer

MARK = "JOBQUAKE_RUN"
LABEL = "jobquake.run"
NOTE = "container"
POLL_EVERY_S = 0.2
GRACE_S = 1.0


class Container:
    """The container of ``folder``, made from ``image`` or, if it is there, started again.

    See :class:`.running.Served`. ``inside`` is the port that the server listens on in it.
    Raises :class:`.source.MissingServer` without Docker, the image, or a free port.
    """

    look_every_s = POLL_EVERY_S

    def __init__(
        self,
        image: str,
        folder: Path,
        port: int,
        inside: int,
        command: Sequence[str],
        environment: dict[str, str],
    ) -> None:
        docker = _library()
        mark = os.environ.get(MARK) or uuid.uuid4().hex
        note = folder / NOTE
        try:
            found = _of(folder)
            if found is None:
                if not note.exists():
                    note.write_text(f"jobquake-{uuid.uuid4().hex}")
                found = engine().containers.create(
                    image,
                    list(command),
                    name=note.read_text(),
                    labels={LABEL: mark},
                    ports={f"{inside}/tcp": ("127.0.0.1", port)},
                    environment=environment,
                )
            found.start()
        except docker.errors.ImageNotFound:
            raise MissingServer(
                f"expected the image {image} in Docker, found none; "
                f"get it with: docker pull {image}"
            ) from None
        except docker.errors.APIError as error:
            raise MissingServer(
                f"expected Docker to run {image}, found: {error.explanation or error}"
            ) from error
        self._container = found
        self._looked_at = 0.0
        self._status: int | None = None

    def poll(self) -> int | None:
        now = time.monotonic()
        if self._status is None and now >= self._looked_at + POLL_EVERY_S:
            self._looked_at = now
            try:
                self._container.reload()
            except _library().errors.NotFound:
                self._status = 1
                return self._status
            state = self._container.attrs["State"]
            if not state["Running"]:
                self._status = int(state["ExitCode"])
        return self._status

    def kill(self) -> None:
        _kill(self._container)

    def stop(self) -> int:
        """Ending in order is the end of the container and of what it kept."""
        status = self.poll()
        self._container.remove(force=True, v=True)
        return status or 0

    def last_words(self) -> str:
        return str(self._container.logs(tail=1).decode(errors="replace").strip())


def crash(folder: Path) -> bool:
    """SIGKILL the container of ``folder``, seen dead; its data stay. False if there is none."""
    found = _of(folder)
    if found is None:
        return False
    _kill(found)
    return True


def remove(folder: Path) -> None:
    """Remove the container of ``folder`` and its data, if there is one.

    Whoever made it may have been killed while Docker was still at it: so it is looked for
    until it is found, or for a moment. Raises :class:`.source.MissingServer` if Docker is
    gone.
    """
    until = time.monotonic() + GRACE_S
    while (folder / NOTE).exists() and time.monotonic() < until:
        found = _of(folder)
        if found is not None:
            found.remove(force=True, v=True)
            (folder / NOTE).unlink()
            return
        time.sleep(POLL_EVERY_S)


def engine() -> Any:
    """A client of the Docker engine that the environment names. Raises MissingServer."""
    docker = _library()
    try:
        client = docker.from_env()
        client.ping()
    except docker.errors.DockerException as error:
        raise MissingServer(
            f"expected a Docker engine that answers, found: {error}; start it, or set DOCKER_HOST"
        ) from error
    return client


def _library() -> Any:
    try:
        import docker
    except ImportError as missing:
        raise MissingServer(
            "expected the Docker client for Python, found none; install jobquake[docker]"
        ) from missing
    return docker


def _of(folder: Path) -> Any | None:
    note = folder / NOTE
    if not note.exists():
        return None
    docker = _library()
    try:
        return engine().containers.get(note.read_text())
    except docker.errors.NotFound:
        return None


def _kill(container: Any) -> None:
    with suppress(_library().errors.APIError):  # not running: dead already
        container.kill()
    container.wait()
