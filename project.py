"""``[tool.jobquake]`` of a project's pyproject.toml: what one does not want to type twice.

    [tool.jobquake]
    app = "shop.celery:app"
    task = "shop.charge"
    args = [1]

Read by the command line, the pytest plugin and ``jobquake.app``; whatever is said there wins. The
file is the nearest one that has such a table, from the working directory upwards.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

from .errors import UsageError

FILE, TABLE = "pyproject.toml", "tool.jobquake"
MOST_WORKERS = 16
KILLS, TIMES = ("child", "worker", "taking", "both"), ("leap", "real")


@dataclass(frozen=True)
class Project:
    """What the table says; None, or nothing, where it does not say.

    ``folder`` is where the app's workers are started: the file's own, unless ``app-dir`` says
    otherwise. ``python``, where it is a path, is taken from the file's folder, too.
    """

    file: Path | None = None
    folder: Path | None = None
    app: str | None = None
    task: str | None = None
    args: str | None = None
    options: str | None = None
    python: str | None = None
    worker: str | None = None
    workers: int | None = None
    kill: str | None = None
    time: str | None = None
    patience_s: float | None = None
    scenarios: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    effects: str | None = None
    effect_id: str | None = None
    broker: str | None = None
    services: tuple[str, ...] = ()

    def of(self, app: str | None, task: str | None = None) -> Project:
        """What concerns that app and task: another app has a task, a worker and arguments of its
        own, another task other arguments.
        """
        if app not in (None, self.app):
            mine = replace(self, effects=None, effect_id=None, services=())
            return replace(mine, app=app, task=task, args=None, options=None, worker=None)
        if task not in (None, self.task):
            return replace(self, task=task, args=None, effects=None, effect_id=None)
        return self


class Key(NamedTuple):
    """What a value must be, in words, and whether one is."""

    expected: str
    fits: Callable[[Any], bool]


def _text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


def _arguments(value: Any) -> bool:
    try:
        json.dumps(value)
    except TypeError:  # a date
        return False
    return _text(value) or isinstance(value, list | dict)


def _env(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(one, str) for one in value.values())


def _one_of(words: tuple[str, ...]) -> Key:
    return Key(f"{', '.join(map(repr, words[:-1]))} or {words[-1]!r}", lambda v: v in words)


KEYS = {
    "app": Key("an app as its workers name it, such as 'shop.celery:app'", _text),
    "app-dir": Key("the app's folder", _text),
    "task": Key("the name of a task", _text),
    "args": Key("a list or a table of arguments, or 'module:function'", _arguments),
    "options": Key("a table of what else the task is enqueued with", lambda v: isinstance(v, dict)),
    "python": Key("the path of the app's Python", _text),
    "worker": Key("a command", _text),
    "workers": Key(
        f"a whole number from 1 to {MOST_WORKERS}",
        lambda v: type(v) is int and 1 <= v <= MOST_WORKERS,
    ),
    "kill": _one_of(KILLS),
    "time": _one_of(TIMES),
    "patience": Key("a number of seconds", _number),
    "scenarios": Key(
        "a list of names of scenarios", lambda v: isinstance(v, list) and all(map(_text, v))
    ),
    "env": Key("a table of environment variables and their texts", _env),
    "broker": Key("the URL of a Redis of yours", _text),
    "services": Key(
        "a list of what the tasks call, each as NAME=HOST:PORT=COMMAND",
        lambda v: isinstance(v, list) and all(map(_text, v)),
    ),
    "effects": Key("who knows what the task did, such as 'shop.ledger:charged'", _text),
    "effect-id": Key("how the effect of a job is called, such as 'order-{0}'", _text),
}


def project_of(folder: Path) -> Project:
    """What the nearest table says, from ``folder`` upwards; if there is none, nothing.

    Raises :class:`UsageError`: one sentence that names the file, the key, and what is expected.
    """
    here = folder.absolute()
    for place in (here, *here.parents):
        file = place / FILE
        if file.is_file() and (table := _table(file)) is not None:
            return _project(file, table)
    return Project()


def _table(file: Path) -> dict[str, Any] | None:
    try:
        tool = tomllib.loads(file.read_text(encoding="utf-8")).get("tool", {})
    except (OSError, ValueError) as error:
        raise UsageError(f"expected TOML in {file}, found: {error}; mend it") from None
    found = tool.get("jobquake") if isinstance(tool, dict) else None
    if found is not None and not isinstance(found, dict):
        raise UsageError(
            f"expected a table [{TABLE}] in {file}, found {found!r}; write the table's name in "
            "brackets, and its keys below"
        )
    return found


def _project(file: Path, table: Mapping[str, Any]) -> Project:
    for name, value in table.items():
        if name not in KEYS:
            near = get_close_matches(name, KEYS, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(KEYS)}"
            raise UsageError(f"expected a key of [{TABLE}] in {file}, found {name!r}; {hint}")
        if not KEYS[name].fits(value):
            raise UsageError(
                f"expected {KEYS[name].expected} as {name} of [{TABLE}] in {file}, "
                f"found {value!r}; correct it"
            )
    place = file.parent
    folder = (place / table.get("app-dir", "")).resolve()
    if not folder.is_dir():
        raise UsageError(
            f"expected a folder as app-dir of [{TABLE}] in {file}, found none at {folder}; "
            "correct it"
        )
    as_they_are = ("app", "task", "worker", "workers", "kill", "time", "env", "effects", "broker")
    said = {key: table[key] for key in as_they_are if key in table}
    return replace(
        Project(file, folder, **said),
        args=_json(table.get("args")),
        options=_json(table.get("options")),
        python=_python(table.get("python"), place),
        patience_s=table.get("patience"),
        effect_id=table.get("effect-id"),
        scenarios=tuple(table.get("scenarios", ())),
        services=tuple(table.get("services", ())),
    )


def _json(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value)


def _python(value: str | None, place: Path) -> str | None:
    """A path is taken from the file's folder; a bare name is looked for on PATH.

    Links are not followed: a virtual environment's Python is one.
    """
    if value is None or "/" not in value:
        return value
    return str(place / Path(value).expanduser())
