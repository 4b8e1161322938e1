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
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

import msgspec

from ..errors import EnvironmentFault, UsageError
from .library import Library, Looked, find
from .services import Put

INSIDE = Path(__file__).parent / "inside"
LOOK_WITHIN_S = 60.0
SAYS_WHERE_WITHIN_S = 2.0
TELLS_AFTER_S, TELLS_EVERY_S = 3.0, 10.0

Tell = Callable[[str], object]


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


def look(
    app: App, within_s: float = LOOK_WITHIN_S, tell: Tell | None = None
) -> tuple[Library, Looked]:
    """What the app is. ``tell`` is told now and then that it is still being imported.

    Raises :class:`UsageError`, :class:`EnvironmentFault`: one sentence each.
    """
    with tempfile.TemporaryDirectory(prefix="jobquake-look-") as folder:
        out = Path(folder) / "said.json"
        words = ["look", app.target, app.task, str(out), str(within_s)]
        said = _ask(app, words, out, within_s, tell or (lambda words: None))
    if "hangs" in said:
        raise _hangs(app, within_s, f" in {said['hangs']}")
    if problem := said.pop("problem", ""):
        raise UsageError(str(problem))
    options = {"options": json.loads(app.options)} if app.options else {}
    looked = msgspec.convert({**said, "worker": app.worker_words or (), **options}, Looked)
    library = find(looked.library)
    if app.task and not looked.task:
        raise UsageError(_unknown(app.task, looked))
    return library, looked


def _unknown(task: str, looked: Looked) -> str:
    near = get_close_matches(task, looked.tasks, n=1, cutoff=0.5)
    known = ", ".join(looked.tasks[:8]) or "none"
    hint = f"did you mean {near[0]!r}?" if near else f"it has {known}"
    return f"expected the name of a task of the app, found {task!r}; {hint}"


def _hangs(app: App, within_s: float, where: str = "") -> EnvironmentFault:
    return EnvironmentFault(
        f"expected {app.target} to be imported within {within_s:g} s, found that it still "
        f"hangs{where}; does it wait for a server when it is imported?"
    )


def _ask(app: App, words: list[str], out: Path, within_s: float, tell: Tell) -> dict[str, object]:
    command = [app.python, str(INSIDE / "run.py"), *words]
    with tempfile.TemporaryFile() as errors:
        try:
            process = subprocess.Popen(
                command,
                cwd=app.folder,
                env={**os.environ, **app.env, "PYTHONDONTWRITEBYTECODE": "1"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
            )
        except OSError as error:
            raise UsageError(
                f"expected a Python at {app.python}, found: {error.strerror}; name the one that "
                "the app's workers use with --python"
            ) from None
        try:
            if not _ended(process, within_s, app.target, tell):
                raise _hangs(app, within_s)
        finally:
            process.kill()
            process.wait()
        errors.seek(0)
        last = errors.read().decode(errors="replace").strip().splitlines()
    if not out.exists():
        raise EnvironmentFault(
            f"expected {app.python} to look at {app.target}, found that it ended with "
            f"{process.returncode}: {last[-1] if last else 'without a word'}"
        )
    said: dict[str, object] = json.loads(out.read_text())
    return said


def _ended(process: subprocess.Popen[bytes], within_s: float, target: str, tell: Tell) -> bool:
    """Wait for its end, and tell for how long; False if it did not come."""
    waited_s, next_s, until_s = 0.0, TELLS_AFTER_S, within_s + SAYS_WHERE_WITHIN_S
    while waited_s < until_s:
        try:
            process.wait(min(next_s, until_s) - waited_s)
        except subprocess.TimeoutExpired:
            waited_s = min(next_s, until_s)
            if waited_s < within_s:
                tell(f"importing {target}: {waited_s:.0f} s so far, of {within_s:g} s at most")
            next_s += TELLS_EVERY_S
        else:
            return True
    return False
