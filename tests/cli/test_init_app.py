"""``jobquake init`` in the folder of an app: what it finds, writes, refuses and runs."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result
from jobquake.cli import app_files
from jobquake.cli.group import cli
from jobquake.frameworks.sign import any_of
from support.frameworks import APPS, CELERY, RQ, python_of


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def init(*words: str) -> Result:
    return CliRunner().invoke(cli, ["init", *words])


def refused(done: Result, sentence: str) -> None:
    assert done.exit_code == 2, done.output
    assert done.stderr.startswith(f"Error: expected {sentence}")
    assert len(done.stderr.splitlines()) == 1


def written(project: Path) -> list[str]:
    files = [file for file in project.rglob("*") if file.is_file() and file.suffix != ".pyc"]
    return sorted(file.relative_to(project).as_posix() for file in files)


def test_nothing_to_be_found_is_one_sentence(project: Path) -> None:
    refused(
        init(),
        f"{any_of()} in the sources below {project}, found none; run",
    )
    (project / "shop.py").write_text("import celery\ndef make():\n    return celery.Celery()\n")
    refused(init(), "a Celery app that a module has a name for, found one that is made in a functi")
    assert written(project) == ["shop.py"]


def test_an_app_that_cannot_be_imported_is_one_sentence(project: Path) -> None:
    (project / "shop.py").write_text("from celery import Celery\napp = Celery()\n")
    refused(init(), "to import shop, found that shop.py, line 1 needs celery")
    refused(init("--app", "shopp:app"), "a module shopp in")
    (project / "pyproject.toml").write_text('[tool.jobquake]\napp = "mail:app"')
    refused(init(), "a module mail in")
    (project / "pyproject.toml").unlink()
    assert written(project) == ["shop.py"]


@pytest.mark.parametrize(
    ("file", "text", "installs"),
    [
        ("requirements.txt", "celery", "-r requirements.txt"),
        ("pyproject.toml", "[project]\nname = 'shop'", "-e ."),
        ("pyproject.toml", "[tool.ruff]", "celery==5.7.0 redis packaging"),
        ("setup.py", "", "-e ."),
        ("README", "", "celery==5.7.0 redis packaging"),
    ],
)
def test_ci_installs_what_the_project_says(
    file: str, text: str, installs: str, project: Path
) -> None:
    (project / file).write_text(text)
    assert app_files.requirements_of(project, "celery", "5.7.0") == installs


def test_ci_installs_what_a_library_needs_besides(project: Path) -> None:
    told = app_files.requirements_of(project, "procrastinate", "3.10.0")
    assert told == "procrastinate==3.10.0 'psycopg[binary]'"
    assert app_files.requirements_of(project, "saq", "0.26.4").startswith("'saq[redis]==0.26.4'")


@pytest.mark.parametrize(
    ("file", "pins", "tells", "call"),
    [
        (
            "shop.py", CELERY, "found shop:app: Celery 5.7.0, tasks shop.charge, shop.refuse\n",
            'app="shop:app"',
        ),
        ("jobs.py", RQ, "found jobs:queue: RQ 3.0.0\n", 'app="jobs:queue"'),
    ],
)  # fmt: skip
def test_it_says_what_it_found_and_writes_a_test_of_it(
    file: str, pins: tuple[str, ...], tells: str, call: str, project: Path
) -> None:
    shutil.copy(APPS / file, project)
    (project / "tests").mkdir()
    done = init("--no-run", "--python", python_of(pins))
    assert done.exit_code == 0, done.output
    assert done.output.startswith(tells)
    assert "wrote tests/test_jobquake.py: " in done.output
    assert "next: python -m pytest tests/test_jobquake.py" in done.output
    text = (project / "tests" / "test_jobquake.py").read_text()
    assert call in text and python_of(pins) in text
    compile(text, "test_jobquake.py", "exec")
    again = init("--no-run", "--python", python_of(pins))
    assert again.exit_code == 2
    assert "found that it is there already" in again.stderr
    assert (project / "tests" / "test_jobquake.py").read_text() == text


def test_task_and_arguments_of_the_team_go_into_the_test(project: Path) -> None:
    shutil.copy(APPS / "shop.py", project)
    words = ["--task", "shop.charge", "--args", '{"order": null}']
    done = init("--no-run", "--python", python_of(CELERY), *words)
    assert done.exit_code == 0, done.output
    (call,) = [
        node
        for node in ast.walk(ast.parse((project / "test_jobquake.py").read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "jobquake.run"
    ]
    said = {word.arg: ast.unparse(word.value) for word in call.keywords}
    assert (said["task"], said["args"]) == ("'shop.charge'", "{'order': None}")


def test_the_step_for_github_is_yaml_that_installs_runs_and_keeps(project: Path) -> None:
    (project / "requirements.txt").write_text("celery\n")
    needs = app_files.requirements_of(project, "celery", "5.7.0")
    steps = yaml.safe_load(app_files.workflow_text("tests/test_jobquake.py", "3.12", needs))
    _, python, install, run, upload = steps["jobs"]["jobquake"]["steps"]
    assert python["with"]["python-version"] == "3.12"
    assert install["run"] == 'python -m pip install -r requirements.txt "jobquake[redis-server]"'
    assert run["run"] == "python -m pytest tests/test_jobquake.py"
    assert upload["with"]["include-hidden-files"] is True, ".jobquake is hidden"


def test_without_a_redis_server_it_names_the_extra(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(APPS / "shop.py", project)
    monkeypatch.setenv("PATH", str(project))
    done = init("--python", python_of(CELERY))
    assert done.exit_code == 3, done.output
    assert "pip install 'jobquake[redis-server]'" in done.stderr
    assert written(project) == ["shop.py"]
