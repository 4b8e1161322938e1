"""Apps are found by reading sources: what can be named, where, and what cannot."""

from __future__ import annotations

from pathlib import Path

import pytest
from jobquake.app_search import search


def tree(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


NAMES = {"arq": "WorkerSettings"}  # what the app has to be called there


def found(folder: Path) -> list[tuple[str, str, str]]:
    return [
        (place.library, place.target, place.folder.relative_to(folder).as_posix())
        for place in search(folder)
    ]


@pytest.mark.parametrize(
    ("source", "library"),
    [
        ("from celery import Celery\napp = Celery('shop')", "celery"),
        ("from celery import Celery as C\napp: C = C('shop')", "celery"),
        ("import celery\napp = celery.Celery('shop')", "celery"),
        ("import celery as c\nif True:\n    app = c.Celery()", "celery"),
        ("from celery import Celery\nclass Shop(Celery): pass\napp = Shop()", "celery"),
        ("from celery import Celery\ndef make(): return Celery()\napp = make()", "celery"),
        ("from rq import Queue\napp = Queue('mail', connection=None)", "rq"),
        ("import rq\ntry:\n    app = rq.Queue()\nexcept OSError:\n    raise", "rq"),
        (
            "from arq.connections import RedisSettings\nclass WorkerSettings:\n    functions = []",
            "arq",
        ),
        ("import django_rq\napp = django_rq.get_queue('mail')", "rq"),
    ],
)
def test_an_app_is_named_as_its_workers_name_it(source: str, library: str, tmp_path: Path) -> None:
    places = found(tree(tmp_path, {"shop/celery.py": source}))
    assert places[0] == (library, f"shop.celery:{NAMES.get(library, 'app')}", ".")


@pytest.mark.parametrize(
    "source",
    [
        "from queue import Queue\napp = Queue()  # not rq's",
        "# celery\napp = Celery()",
        "from celery import shared_task",
        "from celery import Celery\napp = Celery(",
        "from celery import Celery\nclass Settings:\n    app = Celery()",
        "from celery import Celery\nclass WorkerSettings:  # not of arq\n    functions = []",
    ],
    ids=["another queue", "never imported", "only a task", "no Python", "of a class", "of another"],
)
def test_what_is_none(source: str, tmp_path: Path) -> None:
    assert found(tree(tmp_path, {"shop.py": source})) == []


CELERY = "from celery import Celery\napp = Celery()"


def test_a_package_is_imported_from_above_it_and_what_lies_in_src_from_there(
    tmp_path: Path,
) -> None:
    tree(tmp_path / "a", {"shop/__init__.py": "", "shop/jobs/__init__.py": CELERY})
    assert found(tmp_path / "a") == [("celery", "shop.jobs:app", ".")]
    tree(tmp_path / "b", {"src/shop/__init__.py": "", "src/shop/celery.py": CELERY})
    assert found(tmp_path / "b") == [("celery", "shop.celery:app", "src")]
    tree(tmp_path / "c", {"src/celery_app.py": CELERY})
    assert found(tmp_path / "c") == [("celery", "celery_app:app", "src")]


def test_environments_are_not_read_and_tests_only_where_there_is_nothing_else(
    tmp_path: Path,
) -> None:
    tree(tmp_path, {"env/pyvenv.cfg": "", "env/shop.py": CELERY, ".venv/shop.py": CELERY})
    assert found(tmp_path) == []
    tree(tmp_path, {"tests/test_shop.py": CELERY})
    assert found(tmp_path) == [("celery", "tests.test_shop:app", ".")]
    tree(tmp_path, {"deep/er/shop.py": CELERY, "shop.py": CELERY})
    assert [target for _, target, _ in found(tmp_path)] == ["shop:app", "deep.er.shop:app"]


def test_an_app_from_a_factory_of_another_module(tmp_path: Path) -> None:
    factory = "from celery import Celery\ndef make_celery(flask):\n    return Celery()"
    wsgi = "from factory import make_celery\ncelery = make_celery(0)"
    tree(tmp_path, {"factory.py": factory, "wsgi.py": wsgi})
    assert found(tmp_path)[0] == ("celery", "wsgi:celery", ".")


def test_what_is_made_in_a_function_has_no_name_unless_a_worker_command_has_one(
    tmp_path: Path,
) -> None:
    tree(tmp_path, {"shop.py": "import rq\ndef create():\n    return rq.Queue()"})
    assert found(tmp_path) == [("rq", "", ".")]
    (tmp_path / "Procfile").write_text("web: gunicorn x\nworker: celery -A shop.app worker -c 4\n")
    assert found(tmp_path)[0] == ("celery", "shop.app", ".")
