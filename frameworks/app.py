"""An app of somebody's: where it lives, how its workers are started, and what it says of itself.

It is never imported here. Its own Python looks at it, in its own folder (``inside/run.py``).
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

import msgspec

from ..errors import EnvironmentFault, UsageError
from .library import Library, Looked, find
from .services import Put

INSIDE = Path(__file__).parent / "inside"
LOOK_WITHIN_S = 60.0


@dataclass(frozen=True)
class App:
    """``target`` is what a worker is given (``shop.celery:app``); ``folder`` where it is started.

    ``worker`` is the team's own command, None: the library's usual one. ``args`` are the task's
    arguments: JSON, or ``module:function`` that is given the job's number. ``options``, JSON, too:
    with what else the library's client is called for each job (``{"retry": 3}``). ``services`` are
    put in the place of what its tasks call. ``effects`` is who knows what its jobs did
    (:mod:`..effects.source`), ``effect_id`` how the effect of one is called.
    ``broker`` is the URL of a Redis of the team's that is used instead of a private one;
    ``snapshots``: the private one keeps no more than snapshots on its disk.
    """

    target: str
    task: str = ""
    python: str = sys.executable
    folder: Path = field(default_factory=Path.cwd)
    worker: str | None = None
    args: str = ""
    options: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    services: tuple[Put, ...] = ()
    effects: str = ""
    effect_id: str = ""
    broker: str = ""
    snapshots: bool = False

    @property
    def worker_words(self) -> list[str] | None:
        """The team's command, word by word. Raises :class:`UsageError` if it is none."""
        if self.worker is None:
            return None
        try:
            words = shlex.split(self.worker)
        except ValueError as error:
            raise UsageError(
                f"expected a command as worker, found {self.worker!r}: {error}; mend its quotes"
            ) from None
        if not words:
            raise UsageError("expected a command as worker, found nothing; leave --worker out")
        return words


def look(app: App, within_s: float = LOOK_WITHIN_S) -> tuple[Library, Looked]:
    """What the app is. Raises :class:`UsageError`, :class:`EnvironmentFault`: one sentence each."""
    with tempfile.TemporaryDirectory(prefix="jobquake-look-") as folder:
        out = Path(folder) / "said.json"
        said = _ask(app, ["look", app.target, app.task, str(out)], out, within_s)
    if problem := said.pop("problem", ""):
        raise UsageError(str(problem))
    looked = msgspec.convert({**said, "worker": app.worker_words or ()}, Looked)
    library = find(looked.library)
    if app.task and not looked.task:
        raise UsageError(_unknown(app.task, looked))
    return library, looked


def _unknown(task: str, looked: Looked) -> str:
    near = get_close_matches(task, looked.tasks, n=1, cutoff=0.5)
    known = ", ".join(looked.tasks[:8]) or "none"
    hint = f"did you mean {near[0]!r}?" if near else f"it has {known}"
    return f"expected the name of a task of the app, found {task!r}; {hint}"


def _ask(app: App, words: list[str], out: Path, within_s: float) -> dict[str, object]:
    command = [app.python, str(INSIDE / "run.py"), *words]
    try:
        done = subprocess.run(
            command,
            cwd=app.folder,
            env={**os.environ, **app.env, "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=within_s,
            start_new_session=True,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise EnvironmentFault(
            f"expected {app.target} to be imported within {within_s:g} s, found that it still "
            "hangs; does it wait for a server when it is imported?"
        ) from None
    except OSError as error:
        raise UsageError(
            f"expected a Python at {app.python}, found: {error.strerror}; name the one that the "
            "app's workers use with --python"
        ) from None
    if not out.exists():
        last = done.stderr.decode(errors="replace").strip().splitlines()
        raise EnvironmentFault(
            f"expected {app.python} to look at {app.target}, found that it ended with "
            f"{done.returncode}: {last[-1] if last else 'without a word'}"
        )
    said: dict[str, object] = json.loads(out.read_text())
    return said
