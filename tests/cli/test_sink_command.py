"""``jobquake sink`` as its users meet it, and as a SIGKILL leaves it."""

from __future__ import annotations

import json
import select
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path

import pytest
from jobquake.protocol.events import Event
from jobquake.protocol.ledger import key_hash, read_rows
from jobquake.protocol.run_files import LEDGER
from support.command import ENVIRONMENT, USAGE, complaint

COMMAND = [sys.executable, "-m", "jobquake", "sink", "--port", "0"]
PATIENCE_S = 30.0


@contextmanager
def running(*words: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    process = subprocess.Popen([*COMMAND, *words], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        readable, _, _ = select.select([process.stdout], [], [], PATIENCE_S)
        line = process.stdout.readline() if readable else ""
        assert line.startswith("ready http://127.0.0.1:"), line
        yield line.split()[1], process
    finally:
        process.kill()
        process.communicate()


def charge(url: str, identifier: str, key: str, path: str = "/charges") -> int:
    headers = {"Idempotency-Key": key, "Content-Type": "application/json"}
    body = json.dumps({"id": identifier}).encode()
    try:
        request = urllib.request.Request(url + path, body, headers)
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def charges(url: str) -> dict[str, int]:
    with urllib.request.urlopen(url + "/charges", timeout=PATIENCE_S) as answer:
        return {row["id"]: row["count"] for row in json.load(answer)}


def test_it_charges_as_its_options_say_and_tells_the_counts_at_its_end() -> None:
    with running("--ignore-keys", "--refuse-every", "3", "--refuse-status", "500") as (
        url,
        process,
    ):
        assert [charge(url, "a", "k") for _ in range(3)] == [201, 201, 500]
        assert charges(url) == {"a": 2}
        process.send_signal(signal.SIGTERM)
        told, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
    assert told == ("3 requests: 2 charges applied, 0 repeated, 1 refused; 0 never answered\n")


@pytest.mark.parametrize("ignore", [False, True])
def test_a_sigkill_in_the_middle_loses_nothing_that_was_answered(
    tmp_path: Path, ignore: bool
) -> None:
    words = ["--folder", str(tmp_path), *(["--ignore-keys"] if ignore else [])]
    answered: Counter[str] = Counter()
    sent: Counter[str] = Counter()
    enough = threading.Event()

    def client(number: int) -> None:
        for turn in range(1_000_000):
            name = f"order-{number}-{turn % 50}"
            sent[name] += 1
            try:
                assert charge(url, name, f"key of {name}") == 201
            except (OSError, HTTPException):
                return  # the sink is dead: this one was not answered
            answered[name] += 1
            if answered.total() > 200:
                enough.set()

    with running(*words) as (url, process):
        clients = [threading.Thread(target=client, args=(number,)) for number in range(4)]
        for thread in clients:
            thread.start()
        assert enough.wait(PATIENCE_S)
        process.send_signal(signal.SIGKILL)
        for thread in clients:
            thread.join()
    with running(*words) as (url, _):
        counted = charges(url)
    for name, times in answered.items():
        assert counted[name] >= (times if ignore else 1)
    for name, times in counted.items():
        assert times <= (sent[name] if ignore else 1)
    rows = read_rows(tmp_path / LEDGER)
    in_ledger = Counter(row.key for row in rows if row.event == Event.EFFECT)
    assert in_ledger == {key_hash(name): times for name, times in counted.items()}


def test_what_is_wrong_is_told_in_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = complaint("sink", "--port", port, within=tmp_path, code=ENVIRONMENT)
        assert "expected a free address" in said
    assert "--slow" in complaint("sink", "--slow", "soon", within=tmp_path, code=USAGE)


def test_another_path_takes_the_place_of_charges() -> None:
    with running("--path", "/mails") as (url, _):
        assert charge(url, "order-1", "a", "/mails") == charge(url, "order-1", "a", "/mails") == 201
        assert charge(url, "order-1", "b", "/charges") == 404
        with urllib.request.urlopen(url + "/mails", timeout=PATIENCE_S) as answer:
            assert json.load(answer) == [{"id": "order-1", "count": 1}]
