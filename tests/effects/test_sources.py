"""How effects are counted: each source on the real thing, and what it says when that cannot be."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import psutil
import pytest
from jobquake.backends.reference import places
from jobquake.effects import runner
from jobquake.effects.app import App, AppProcess, NoAnswer
from jobquake.effects.counted import counted
from jobquake.effects.sink.server import Sink
from jobquake.effects.source import (
    Endpoint,
    Function,
    NotCounted,
    Query,
    SinkCharges,
    Source,
    parse,
)
from jobquake.errors import JobquakeError, UsageError
from support.servers_here import address

APP = """
import os, sys, time, uuid
from decimal import Decimal

print("an app that talks at import")
calls = 0

def charges():
    print("and when it is called")
    return ["order-1", "order-2", "order-1"]

def counts():
    return {"order-1": 2, "order-2": 1}

def generated():
    yield from (uuid.UUID(int=1), uuid.UUID(int=1))

async def awaited():
    return {7}

def folder():
    return [os.getcwd()]

def added(first, second):
    return first + second

def same_process():
    global calls
    calls += 1
    return calls

def refuses():
    raise ValueError("no database\\nhere")

def leaves():
    sys.exit("the app left")

def dies():
    os.kill(os.getpid(), 9)

def hangs():
    open("hanging", "w").close()
    time.sleep(1000)

def nothing():
    return None

class Ledger:
    @staticmethod
    def balance():
        return Decimal("1.5")

limit = 3
"""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> App:
    folder = tmp_path_factory.mktemp("app")
    (folder / "shop").mkdir()
    (folder / "shop" / "__init__.py").touch()
    (folder / "shop" / "ledger.py").write_text(APP)
    (folder / "shop" / "broken.py").write_text("import no_such_dependency\n")
    (folder / "effects.py").write_text("def own():\n    return ['the own module']\n")
    with sqlite3.connect(folder / "shop.db") as database:
        database.execute("CREATE TABLE charges (id TEXT, amount INT)")
        database.executemany("INSERT INTO charges VALUES (?, 5)", [("a",), ("b",), ("a",)])
        database.execute("CREATE TABLE odd (id TEXT)")
        database.execute("INSERT INTO odd VALUES (NULL)")
    database.close()
    return App(folder)


# -- the text of --effects ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("shop.ledger:charges", Function("shop.ledger:charges")),
        ("ledger:Ledger.charges", Function("ledger:Ledger.charges")),
        ("http://localhost:8475/charges", Endpoint("http://localhost:8475/charges")),
        ("https://pay.example/x?y=1", Endpoint("https://pay.example/x?y=1")),
        ("sink", SinkCharges()),
        ("none", NotCounted()),
        (
            "postgresql://me@db:5433/shop?sslmode=disable&query=SELECT+id+FROM+charges",
            Query("postgresql://me@db:5433/shop?sslmode=disable", "SELECT id FROM charges"),
        ),
        ("sqlite:///shop.db?query=SELECT 1 AS id", Query("sqlite:///shop.db", "SELECT 1 AS id")),
        (
            "sql:postgresql://me:pw@db/shop:SELECT id FROM c WHERE at > '10:30'",
            Query("postgresql://me:pw@db/shop", "SELECT id FROM c WHERE at > '10:30'"),
        ),
        (
            "sql:postgresql+psycopg2://db/shop with c as (select 1) select * from c",
            Query("postgresql+psycopg2://db/shop", "with c as (select 1) select * from c"),
        ),
        ("sql:sqlite:////tmp/shop.db:VALUES (1)", Query("sqlite:////tmp/shop.db", "VALUES (1)")),
    ],
)  # fmt: skip
def test_a_text_names_a_source(text: str, meant: Source) -> None:
    assert parse(text) == meant


@pytest.mark.parametrize(
    "text",
    [
        "charges",
        "shop.ledger:",
        "shop ledger:charges",
        "http://",
        "sql:",
        "sql:sqlite:///shop.db",
        "sql:mysql://db/shop:SELECT 1",
        "sqlite:///shop.db",
        "redis://localhost",
        "postgresql://db/shop",
    ],
)
def test_a_text_that_names_none_is_told_what_would(text: str) -> None:
    with pytest.raises(UsageError, match=r"expected effects as MODULE:FUNCTION, .* write one of"):
        parse(text)


def test_a_password_is_in_no_message_and_on_no_page() -> None:
    with pytest.raises(UsageError) as caught:
        parse("postgresql://me:secret@db/shop")
    assert "secret" not in str(caught.value)
    assert "secret" not in parse("http://me:secret@host/charges").counted


@pytest.mark.parametrize("text", ["m:f", "http://h/c", "sink", "none", "sql:sqlite:///f:SELECT 1"])
def test_each_source_says_what_it_counts(text: str) -> None:
    said = parse(text).counted
    assert said
    assert ("one row where two effects happened" in said) == text.startswith("sql:")


# -- identifiers --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("listed", "counts"),
    [
        ([], {}),
        (["a", "b", "a"], {"a": 2, "b": 1}),
        ([1, "1", 1.5], {"1": 2, "1.5": 1}),
        ([{"id": "a"}, {"id": "a", "count": 2}, {"id": 7, "count": 0}], {"a": 3}),
        ({"a": 2, "b": 0}, {"a": 2}),
    ],
)
def test_identifiers_are_counted(listed: Any, counts: dict[str, int]) -> None:
    assert counted(listed, "it") == counts


@pytest.mark.parametrize(
    "listed",
    ["a", 3, None, [None], [["a"]], [True], [{"name": "a"}], {"a": "2"}, {"a": -1}, {"a": True}],
    ids=str,
)
def test_what_lists_no_identifiers_is_told_in_one_sentence(listed: Any) -> None:
    with pytest.raises(NoAnswer, match=r"expected it to give a list of identifiers, .*, found "):
        counted(listed, "it")


# -- functions of the app -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("shop.ledger:charges", {"order-1": 2, "order-2": 1}),
        ("shop.ledger:counts", {"order-1": 2, "order-2": 1}),
        ("shop.ledger:generated", {"00000000-0000-0000-0000-000000000001": 2}),
        ("shop.ledger:awaited", {"7": 1}),
        ("effects:own", {"the own module": 1}),
    ],
)
def test_a_function_of_the_app_lists_identifiers(
    app: App, name: str, counts: dict[str, int]
) -> None:
    assert parse(name).count(app) == counts


def test_it_runs_in_the_apps_folder_and_in_the_apps_python(app: App, tmp_path: Path) -> None:
    assert parse("shop.ledger:folder").count(app) == {str(app.folder): 1}
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "own")], check=True
    )
    (tmp_path / "who.py").write_text("import sys\ndef prefix(): return [sys.prefix]\n")
    own = App(tmp_path, tmp_path / "own" / "bin" / "python")
    assert parse("who:prefix").count(own) == {str(tmp_path / "own"): 1}


@pytest.mark.parametrize(
    ("name", "error", "said"),
    [
        ("nowhere:charges", UsageError, "No module named 'nowhere'"),
        ("shop.nowhere:charges", UsageError, "No module named 'shop.nowhere'"),
        ("shop.ledger:credits", UsageError, "no credits in shop.ledger"),
        ("shop.ledger:limit", UsageError, "limit is a int, not a function"),
        ("shop.broken:charges", NoAnswer, "No module named 'no_such_dependency'"),
        ("shop.ledger:refuses", NoAnswer, "ValueError: no database here (.*ledger.py:"),
        ("shop.ledger:leaves", NoAnswer, "SystemExit: the app left"),
        ("shop.ledger:dies", NoAnswer, "had ended"),
        ("shop.ledger:nothing", NoAnswer, "found None"),
    ],
)
def test_what_a_function_cannot_say_is_told_in_one_sentence(
    app: App, name: str, error: type[JobquakeError], said: str
) -> None:
    with pytest.raises(error) as caught:
        Function(name).count(app)
    message = str(caught.value)
    assert message.startswith("expected ") and "\n" not in message
    assert all(part in message for part in said.split(".*"))


def test_a_python_that_is_none_is_told(app: App, tmp_path: Path) -> None:
    for python in (tmp_path / "no-python", tmp_path):
        with pytest.raises(UsageError, match=r"expected a Python at .*; correct --python"):
            Function("shop.ledger:charges").count(App(app.folder, python))
    with pytest.raises(NoAnswer, match="had ended"):
        Function("shop.ledger:charges").count(App(app.folder, Path("/bin/true")))


def test_one_process_answers_until_a_function_fails(app: App) -> None:
    with AppProcess(app) as process:
        assert [process.ask("shop.ledger:same_process") for _ in range(2)] == [1, 2]
        assert process.ask("shop.ledger:Ledger.balance") == 1.5
        assert process.ask("shop.ledger:added", "order-", "1") == "order-1"
        with pytest.raises(NoAnswer):
            process.ask("shop.ledger:dies")
        assert process.ask("shop.ledger:same_process") == 1


def children_in(folder: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.cwd() == str(folder) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def test_a_function_that_hangs_costs_its_time_and_leaves_no_process(app: App) -> None:
    with (
        AppProcess(app, patience_s=0.5) as process,
        pytest.raises(NoAnswer, match=r"within 0\.5 s, found it still running"),
    ):
        process.ask("shop.ledger:hangs")
    assert not children_in(app.folder)


def test_a_hanging_function_ends_with_whoever_asked(app: App) -> None:
    (app.folder / "hanging").unlink(missing_ok=True)
    script = (
        "from pathlib import Path; from jobquake.effects.app import App, AppProcess\n"
        f"AppProcess(App(Path({str(app.folder)!r}))).ask('shop.ledger:hangs')"
    )
    asking = subprocess.Popen([sys.executable, "-c", script])
    try:
        wait_until(lambda: (app.folder / "hanging").exists())
        assert children_in(app.folder)
    finally:
        asking.send_signal(signal.SIGKILL)
        asking.wait()
    wait_until(lambda: not children_in(app.folder))


def wait_until(condition: Any, within_s: float = 30.0) -> None:
    until = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < until, "the condition never came true"
        time.sleep(0.01)


def test_the_runner_needs_nothing_but_an_old_python() -> None:
    import ast

    tree = ast.parse(Path(runner.__file__).read_text(), feature_version=(3, 8))
    imported = {
        name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module]
        )
    }
    assert {str(name).split(".")[0] for name in imported} <= {*sys.stdlib_module_names}


# -- queries ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "counts"),
    [
        ("SELECT id FROM charges", {"a": 2, "b": 1}),
        ("SELECT amount, id FROM charges", {"5": 3}),
        ("SELECT id, count(*) FROM charges GROUP BY id", {"a": 2, "b": 1}),
        ("SELECT id, 9 AS count FROM charges WHERE id = 'b'", {"b": 9}),
        ("SELECT DISTINCT id FROM charges", {"a": 1, "b": 1}),
    ],
)
def test_a_query_on_sqlite(app: App, query: str, counts: dict[str, int]) -> None:
    assert parse(f"sql:sqlite:///shop.db:{query}").count(app) == counts
    absolute = f"sqlite:///{app.folder / 'shop.db'}"
    assert Query(absolute, query).count(App(Path("/"))) == counts


@pytest.mark.parametrize(
    ("url", "query", "error", "said"),
    [
        ("sqlite:///none.db", "SELECT 1", UsageError, "expected an SQLite database at"),
        ("sqlite://", "SELECT 1", UsageError, "expected an SQLite database at"),
        ("sqlite:///shop.db", "SELECT id FROM nowhere", NoAnswer, "no such table: nowhere"),
        ("sqlite:///shop.db", "DELETE FROM charges", NoAnswer, "readonly"),
        ("sqlite:///shop.db", "SELECT id FROM odd", NoAnswer, "WHERE id IS NOT NULL"),
        ("sqlite:///shop.db", "SELECT 1; SELECT 2", NoAnswer, "one statement"),
        ("sqlite:///effects.py", "SELECT id FROM c", NoAnswer, "not a database"),
        ("postgresql://127.0.0.1:1/x", "SELECT 1", NoAnswer, "refused"),
    ],
)
def test_what_a_database_refuses_is_told_in_one_sentence(
    app: App, url: str, query: str, error: type[JobquakeError], said: str
) -> None:
    with pytest.raises(error) as caught:
        Query(url, query).count(app)
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_a_query_on_postgres_counts_and_changes_nothing(app: App) -> None:
    import psycopg

    url = places.url_of("postgres", address("postgres"))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS charged (id text)")
        try:
            connection.execute("INSERT INTO charged VALUES ('a'), ('b'), ('a')")
            by_url = f"{url}{'&' if '?' in url else '?'}query=SELECT+id+FROM+charged"
            assert parse(by_url).count(app) == {"a": 2, "b": 1}
            grouped = "SELECT id, count(*) FROM charged GROUP BY 1"
            assert parse(f"sql:{url}:{grouped}").count(app) == {"a": 2, "b": 1}
            with pytest.raises(NoAnswer, match="read-only transaction"):
                Query(url, "DELETE FROM charged RETURNING id").count(app)
            assert Query(url, "SELECT id FROM charged").count(app).total() == 3
        finally:
            connection.execute("DROP TABLE charged")


# -- endpoints ----------------------------------------------------------------------------


@contextmanager
def answering(status: int, body: bytes) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/charges"
        finally:
            server.shutdown()
            thread.join()


def test_an_endpoint_lists_identifiers(app: App) -> None:
    with answering(200, json.dumps(["a", "a", {"id": "b"}]).encode()) as url:
        assert parse(url).count(app) == {"a": 2, "b": 1}


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (500, b"[]", "status 500"),
        (200, b"<html>", "malformed"),
        (200, b'"a"', "found 'a'"),
    ],
)
def test_an_endpoint_that_lists_none_is_told_in_one_sentence(
    app: App, status: int, body: bytes, said: str
) -> None:
    with answering(status, body) as url, pytest.raises(NoAnswer, match=said) as caught:
        Endpoint(url).count(app)
    assert "\n" not in str(caught.value)


def test_an_endpoint_that_is_away_is_told(app: App) -> None:
    with pytest.raises(NoAnswer, match="refused"):
        Endpoint("http://127.0.0.1:1/charges").count(app)


def test_the_sink_is_asked_for_its_charges(app: App) -> None:
    import urllib.request

    with Sink() as sink:
        for key in ("k1", "k2"):
            request = urllib.request.Request(
                sink.url + "/charges", b'{"id": "a"}', {"Idempotency-Key": key}
            )
            urllib.request.urlopen(request).close()
        assert parse("sink").count(app, sink.url) == {"a": 2}
        assert parse(sink.url + "/charges").count(app) == {"a": 2}


def test_where_nobody_knows_nothing_is_counted(app: App) -> None:
    assert NotCounted().count(app) == {}


def test_the_environment_is_handed_on(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    (app.folder / "settings.py").write_text("import os\ndef url(): return [os.environ['SHOP']]\n")
    monkeypatch.setenv("SHOP", "the shop's")
    assert Function("settings:url").count(app) == {os.environ["SHOP"]: 1}
