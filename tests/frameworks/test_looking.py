"""What is wrong with an app, or with what was said of it, is one sentence."""

from __future__ import annotations

import sys

import pytest
from click.testing import CliRunner
from jobquake.cli.group import cli
from jobquake.errors import EnvironmentFault, UsageError
from jobquake.frameworks.app import App, look
from jobquake.frameworks.sign import any_of
from jobquake.frameworks.system import AppSystem
from support.frameworks import APPS, CELERY, RQ, python_of


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ("shopp:app", "expected a module shopp in .*, found none that is called shopp"),
        ("needy:app", r"found KeyError: 'SHOP_DATABASE' \(needy.py, line 7\); set what the app"),
        (
            "json:dumps",
            f"expected {any_of()} in json:dumps, found an object of",
        ),
        ("json:dump_all", "expected dump_all in the module json, found none; it has"),
        (
            "json",
            f"expected {any_of()} in the module json, found none",
        ),
    ],
)
def test_an_app_that_is_not_there(target: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        look(App(target, folder=APPS))


def test_an_app_that_hangs_when_it_is_imported() -> None:
    told: list[str] = []
    with pytest.raises(EnvironmentFault, match=r"found that it still hangs in hangs.py, line 7;"):
        look(App("hangs:app", folder=APPS), within_s=3.5, tell=told.append)
    assert told[0] == "importing hangs:app: 3 s so far, of 3.5 s at most"


def test_a_python_that_is_not_there() -> None:
    with pytest.raises(UsageError, match="expected a Python at /no/python, found: No such file"):
        look(App("shop:app", python="/no/python", folder=APPS))


def test_a_library_that_this_python_does_not_have() -> None:
    with pytest.raises(UsageError, match="needs celery, which this Python does not have"):
        look(App("shop:app", python=sys.executable, folder=APPS))


def test_a_task_that_the_app_does_not_have() -> None:
    with pytest.raises(UsageError, match=r"found 'shop.charg'; did you mean 'shop.charge'\?"):
        look(App("shop:app", "shop.charg", python_of(CELERY), APPS))


def test_options_of_an_app_need_an_app() -> None:
    done = CliRunner().invoke(cli, ["run", "--task", "shop.charge"])
    assert done.exit_code == 2
    assert "expected --app beside --task" in done.output


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--args", "[1"], "a list or a table in JSON or MODULE:FUNCTION as args, found '[1'"),
        (["--args", "7"], "or MODULE:FUNCTION as args, found '7'; write it in brackets"),
        (["--options", "retry=3"], "expected a table in JSON as options, found 'retry=3'"),
    ],
)  # fmt: skip
def test_arguments_that_are_none(words: list[str], sentence: str) -> None:
    done = CliRunner().invoke(cli, ["run", "--app", "shop:app", *words])
    assert done.exit_code == 2
    assert sentence in done.output


def test_an_app_brings_its_own_workers() -> None:
    done = CliRunner().invoke(cli, ["run", "--app", "shop:app", "--backend", "reference"])
    assert done.exit_code == 2
    assert "expected --app or a backend" in done.output


def test_the_doctor_looks_at_the_app_as_its_workers_are_started() -> None:
    words = ["doctor", "--app", "jobs:queue", "--app-dir", str(APPS), "--python", python_of(RQ)]
    usual = CliRunner().invoke(cli, words)
    often = CliRunner().invoke(cli, [*words, "--worker", "rq worker --maintenance-interval 5 mail"])
    assert (usual.exit_code, often.exit_code) == (0, 0), usual.output
    assert "jobs:queue: RQ 3.0.0" in usual.output
    assert usual.output != often.output, "how soon a worker looks decides what it finds"


def test_what_finds_the_app_again_names_its_folder_unless_one_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = App("jobs:queue", "jobs.charge", python_of(RQ), APPS)
    system = AppSystem(app, *look(app))
    named = f"--app jobs:queue --app-dir {APPS} --task jobs.charge --python {python_of(RQ)}"
    assert system.options == named
    monkeypatch.chdir(APPS)
    assert system.options == named.replace(f" --app-dir {APPS}", "")
