"""``[tool.jobquake]``: found upwards, strict about its keys; what is said elsewhere wins."""

from __future__ import annotations

import json
from pathlib import Path

import jobquake
import pytest
from click.testing import CliRunner
from jobquake.cli.group import cli
from jobquake.errors import UsageError
from jobquake.frameworks.sign import any_of
from jobquake.project import KEYS, Project, project_of

WHOLE = """
[tool.jobquake]
app = "shop.celery:app"
app-dir = "src"
task = "shop.charge"
args = [1, {amount = 2}]
options = {countdown = 5}
python = "venv/bin/python"
worker = "celery -A shop worker -c 4"
workers = 3
kill = "child"
time = "real"
patience = 20
scenarios = ["poison-job", "worker-kill-before-ack"]
env = {SHOP = "test"}
broker = "redis://localhost:6379/9"
effects = "shop.ledger:charged"
effect-id = "order-{0}"
services = ["pay=localhost:8475=jobquake sink --port {port}"]
"""


def write(folder: Path, text: str) -> Path:
    (folder / "pyproject.toml").write_text(text)
    return folder


def test_every_key_is_read_and_paths_are_the_files(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    assert project_of(write(tmp_path, WHOLE)) == Project(
        file=tmp_path / "pyproject.toml",
        folder=tmp_path / "src",
        app="shop.celery:app",
        task="shop.charge",
        args='[1, {"amount": 2}]',
        options='{"countdown": 5}',
        python=str(tmp_path / "venv/bin/python"),
        worker="celery -A shop worker -c 4",
        workers=3,
        kill="child",
        time="real",
        patience_s=20,
        scenarios=("poison-job", "worker-kill-before-ack"),
        env={"SHOP": "test"},
        broker="redis://localhost:6379/9",
        effects="shop.ledger:charged",
        effect_id="order-{0}",
        services=("pay=localhost:8475=jobquake sink --port {port}",),
    )
    assert all(f"\n{key} = " in WHOLE for key in KEYS)


def test_the_nearest_file_with_such_a_table_counts(tmp_path: Path) -> None:
    write(tmp_path, '[tool.jobquake]\napp = "shop:app"')
    deep = tmp_path / "services" / "mail"
    deep.mkdir(parents=True)
    write(deep.parent, "[project]\nname = 'mail'")
    assert project_of(deep).app == "shop:app"
    assert project_of(deep).folder == tmp_path
    write(deep, '[tool.jobquake]\napp = "mail:app"')
    assert project_of(deep).app == "mail:app"


def test_another_app_has_a_task_of_its_own_and_another_task_arguments_of_its_own() -> None:
    project = Project(app="a:app", task="a.t", args="[1]", worker="w", python="p", kill="child")
    assert project.of(None) == project.of("a:app", "a.t") == project
    assert project.of("b:app") == Project(app="b:app", python="p", kill="child")
    assert project.of(None, "a.u") == Project(
        app="a:app", task="a.u", worker="w", python="p", kill="child"
    )


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("ap = 'shop:app'", "a key of T in F, found 'ap'; did you mean 'app'?"),
        ("backend = 'x'", "a key of T in F, found 'backend'; known are app, app-dir, "),
        ("app = 3", "an app as its workers name it, such as 'shop.celery:app' as app of T in F, f"),
        ("args = 1", "a list or a table of arguments, or 'module:function' as args of T in F, f"),
        ("args = [2026-01-01]", "a list or a table of arguments"),
        (
            "kill = 'all'",
            "'child', 'worker', 'taking' or 'both' as kill of T in F, found 'all'; correct it",
        ),
        ("time = 'fast'", "'leap' or 'real' as time of T in F, found 'fast'; correct it"),
        ("patience = '5'", "a number of seconds as patience of T in F, found '5'; correct it"),
        ("patience = true", "a number of seconds as patience of T in F, found True; correct it"),
        ("workers = 17", "a whole number from 1 to 16 as workers of T in F, found 17"),
        ("scenarios = 'poison-job'", "a list of names of scenarios as scenarios of T in F, found"),
        ("env = {A = 1}", "a table of environment variables and their texts as env of T in F, "),
        ("app-dir = 'nowhere'", "a folder as app-dir of T in F, found none at"),
        ("[[tool.jobquake.app]]", "an app as its workers name it"),
        ("app =", "TOML in F, found: "),
    ],
)
def test_what_makes_no_sense_is_one_sentence(line: str, expected: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        project_of(write(tmp_path, f"[tool.jobquake]\n{line}"))
    sentence = str(caught.value)
    file = str(tmp_path / "pyproject.toml")
    assert (
        sentence.replace("[tool.jobquake]", "T")
        .replace(file, "F")
        .startswith(f"expected {expected}")
    )
    assert "\n" not in sentence


def test_a_table_that_is_none_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"expected a table \[tool.jobquake\] in .*, found 'shop'"):
        project_of(write(tmp_path, "[tool]\njobquake = 'shop'"))


# -- on the command line and in Python ------------------------------------------------------


def test_run_takes_the_app_of_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(write(tmp_path, '[tool.jobquake]\napp = "nowhere:app"'))
    done = CliRunner().invoke(cli, ["run"])
    assert done.exit_code == 2
    assert f"expected a module nowhere in {tmp_path}" in done.output


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--app", "elsewhere:app"], "expected a module elsewhere in"),
        (["--python", "/no/python"], "expected a Python at /no/python"),
        (
            ["--app", "json:dumps"],
            f"expected {any_of()} in json:dumps",
        ),
        (["no-such-scenario", "--driver", "sim"], "found 'no-such-scenario'"),
        (["--app", "json:dumps", "--driver", "sim"], "expected --app or a backend"),
    ],
)
def test_what_the_command_line_says_wins(
    words: list[str], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(write(tmp_path, '[tool.jobquake]\napp = "nowhere:app"'))
    done = CliRunner().invoke(cli, ["run", *words])
    assert done.exit_code == 2
    assert sentence in done.output


def test_a_queue_is_tested_where_one_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(write(tmp_path, '[tool.jobquake]\napp = "nowhere:app"'))
    done = CliRunner().invoke(cli, ["run", "permanent-failure", "--driver", "sim", "--json"])
    assert done.exit_code == 0
    assert [one["backend"] for one in json.loads(done.stdout)] == ["reference"]


def test_an_app_in_python_takes_from_the_project_what_it_does_not_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "src").mkdir()
    monkeypatch.chdir(write(tmp_path, WHOLE))
    app = jobquake.app()
    assert (app.target, app.folder) == ("shop.celery:app", tmp_path / "src")
    assert (app.python, app.env) == (str(tmp_path / "venv/bin/python"), {"SHOP": "test"})
    other = jobquake.app("mail:app", python="python3", folder=tmp_path)
    assert (other.target, other.python, other.worker) == ("mail:app", "python3", None)


def test_without_any_app_python_says_where_to_name_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="expected the name of an app, such as"):
        jobquake.app()
