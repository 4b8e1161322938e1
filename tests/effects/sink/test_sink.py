"""The sink over HTTP, asked by real clients: exact counts, and nothing lost that was answered."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from jobquake.effects.sink.journal import JOURNAL, JournalError
from jobquake.effects.sink.payments import Counts, SinkBehaviour
from jobquake.effects.sink.server import Sink
from jobquake.errors import EnvironmentFault
from jobquake.leap.clock import LeapingClock
from jobquake.protocol.events import Event
from jobquake.protocol.ledger import key_hash, read_rows
from jobquake.protocol.run_files import LEDGER
from support.leaping import needs_compiler

PATIENCE_S = 30.0


def post(url: str, body: bytes, **headers: str) -> tuple[int, Any, Any]:
    """Status, JSON and headers of the answer to a charge."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url + "/charges", body, named)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return answer.status, json.load(answer), answer.headers
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error), error.headers


def charge(url: str, identifier: str, key: str = "") -> int:
    body = {"id": identifier, "amount": 5} | ({"idempotency_key": key} if key else {})
    return post(url, json.dumps(body).encode(), Content_Type="application/json")[0]


def get(url: str, path: str) -> Any:
    with urllib.request.urlopen(url + path, timeout=PATIENCE_S) as answer:
        return json.load(answer)


def effects(folder: Path) -> Counter[int]:
    return Counter(row.key for row in read_rows(folder / LEDGER) if row.event == Event.EFFECT)


def test_a_client_reads_exactly_what_became_of_its_requests() -> None:
    with Sink() as sink:
        assert charge(sink.url, "order-2", "k2") == 201
        assert charge(sink.url, "order-1", "k1") == 201
        assert charge(sink.url, "order-1", "k1") == 201
        assert charge(sink.url, "order-1", "k2") == 422
        assert get(sink.url, "/charges") == [
            {"id": "order-1", "count": 1},
            {"id": "order-2", "count": 1},
        ]
        counts = {"requests": 4, "applied": 2, "repeated": 1, "refused": 1, "hanging": 0}
        assert get(sink.url, "/counts") == counts
    assert sink.counts == Counts(4, 2, 1, 1)
    assert sink.charges == {"order-1": 1, "order-2": 1}


def test_the_key_may_stand_in_the_header_and_the_charge_in_a_form() -> None:
    with Sink() as sink:
        form = urllib.parse.urlencode({"id": "order-1", "amount": 5}).encode()
        kind = {"Content_Type": "application/x-www-form-urlencoded; charset=utf-8"}
        _, first, headers = post(sink.url, form, **kind, Idempotency_Key="k")
        _, again, repeated = post(sink.url, form, **kind, Idempotency_Key="k")
    assert first == again == {"charge": "ch_1", "id": "order-1"}
    assert headers["Idempotent-Replayed"] is None
    assert repeated["Idempotent-Replayed"] == "true"
    assert sink.charges == {"order-1": 1}


def test_a_charge_without_the_named_field_goes_by_its_key() -> None:
    with Sink(id_field="order") as sink:
        assert post(sink.url, b'{"order": 17}', Idempotency_Key="k1")[0] == 201
        assert post(sink.url, b'{"id": "x"}', Idempotency_Key="k2")[0] == 201
    assert sink.charges == {"17": 1, "k2": 1}


@pytest.mark.parametrize("body", [b"", b"no json", b"[1]", b'{"amount": 5}', b'{"id": true}'])
def test_a_charge_that_names_nothing_is_refused_with_a_sentence(body: bytes) -> None:
    with Sink() as sink:
        status, answer, _ = post(sink.url, body)
    assert status == 400
    assert answer["error"].startswith("expected a charge with an 'id'")
    assert sink.counts == Counts(1, refused=1)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/charges/x", 404),
        ("PUT", "/charges", 405),
        ("POST", "/counts", 405),
    ],
)
def test_other_requests_are_answered_with_what_is_there(
    method: str, path: str, status: int
) -> None:
    with Sink() as sink:
        client = http.client.HTTPConnection(sink.url.removeprefix("http://"), timeout=PATIENCE_S)
        client.request(method, path)
        answer = client.getresponse()
        assert (answer.status, b"/charges" in answer.read()) == (status, True)
        client.close()


def test_refusals_have_the_status_that_was_asked_for() -> None:
    with Sink(SinkBehaviour(refuse_every=2, refuse_status=429)) as sink:
        assert [charge(sink.url, name) for name in "abcd"] == [201, 429, 201, 429]
    assert sink.charges == {"a": 1, "c": 1}


def test_who_hangs_is_charged_and_gets_no_answer_and_the_others_do() -> None:
    with Sink(SinkBehaviour(hang_every=2)) as sink:
        assert charge(sink.url, "a") == 201
        host, _, port = sink.url.removeprefix("http://").rpartition(":")
        with socket.create_connection((host, int(port)), PATIENCE_S) as hanging:
            body = b'{"id": "b"}'
            head = f"POST /charges HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
            hanging.sendall(head.encode() + body)
            while sink.counts.requests < 2:
                pass
            assert charge(sink.url, "c") == 201
            sink.stop()
            assert hanging.recv(1) == b""
    assert sink.charges == {"a": 1, "b": 1, "c": 1}


def test_a_slow_answer_comes_after_its_charge() -> None:
    with Sink(SinkBehaviour(slow_s=0.2)) as sink:
        asking = threading.Thread(target=charge, args=(sink.url, "a"))
        asking.start()
        while not sink.charges:
            assert asking.is_alive(), "answered before it was charged"
        asking.join()
        assert sink.charges == {"a": 1}


def test_many_clients_at_once_are_counted_exactly(tmp_path: Path) -> None:
    names = [f"order-{number}" for number in range(20)]

    def client(sink: Sink) -> None:
        for name in names:
            assert charge(sink.url, name, f"key of {name}") == 201

    with Sink(folder=tmp_path) as sink:
        clients = [threading.Thread(target=client, args=(sink,)) for _ in range(4)]
        for thread in clients:
            thread.start()
        for thread in clients:
            thread.join()
    assert sink.counts == Counts(80, 20, 60)
    assert sink.charges == dict.fromkeys(names, 1)
    assert effects(tmp_path) == Counter(key_hash(name) for name in names)


def test_a_row_names_the_job_and_the_time_of_whoever_drives_the_run(tmp_path: Path) -> None:
    jobs = {"order-7": 7}
    ledger = tmp_path / "ledger of the run"
    with Sink(ledger=ledger, job_of=lambda name: jobs.get(name, -1), clock=lambda: 4.5) as sink:
        charge(sink.url, "order-7")
        charge(sink.url, "unknown")
    rows = read_rows(ledger)
    assert [(row.t, row.event, row.job, row.node) for row in rows] == [
        (4.5, Event.EFFECT, 7, -1),
        (4.5, Event.EFFECT, -1, -1),
    ]


def test_a_sink_on_the_same_folder_goes_on(tmp_path: Path) -> None:
    with Sink(folder=tmp_path) as sink:
        charge(sink.url, "a", "k")
    with Sink(folder=tmp_path) as sink:
        charge(sink.url, "a", "k")
        charge(sink.url, "b")
    assert sink.counts == Counts(3, 2, 1)
    assert effects(tmp_path) == {key_hash("a"): 1, key_hash("b"): 1}


def test_a_charge_whose_row_was_prevented_gets_it_from_the_journal(tmp_path: Path) -> None:
    with Sink(folder=tmp_path) as sink:
        for _ in range(3):
            charge(sink.url, "a")
    lines = (tmp_path / LEDGER).read_text().splitlines(keepends=True)
    (tmp_path / LEDGER).write_text("".join(lines[:2]))  # as a SIGKILL between two writes does
    for _ in range(2):
        with Sink(folder=tmp_path):
            pass
        assert effects(tmp_path) == {key_hash("a"): 3}


@pytest.mark.parametrize("damage", [b"no json\n", b'{"number": 1}\n', b'{"number'])
def test_a_damaged_journal_is_told_by_its_line(tmp_path: Path, damage: bytes) -> None:
    with Sink(folder=tmp_path) as sink:
        charge(sink.url, "a")
    with (tmp_path / JOURNAL).open("ab") as file:
        file.write(damage)
    with pytest.raises(JournalError, match=r"line 2 of .*charges\.jsonl"):
        Sink(folder=tmp_path)


def test_a_port_in_use_and_a_folder_that_is_none_are_told(tmp_path: Path) -> None:
    with Sink() as sink:
        port = int(sink.url.rpartition(":")[2])
        with pytest.raises(EnvironmentFault, match="expected a free address"):
            Sink(port=port).start()
    (tmp_path / "file").touch()
    with pytest.raises(EnvironmentFault, match="name another folder"):
        Sink(folder=tmp_path / "file")


@needs_compiler
def test_a_slow_answer_takes_no_time_where_time_leaps() -> None:
    client = (
        "import sys, time, urllib.request; began = time.monotonic()\n"
        "urllib.request.urlopen(sys.argv[1] + '/charges', b'{\"id\": \"a\"}').close()\n"
        "print(time.monotonic() - began)"
    )
    slow = SinkBehaviour(slow_s=600.0)
    with LeapingClock() as clock, Sink(slow, clock=clock.now_s, loop_clock=clock) as sink:
        asking = subprocess.Popen(
            [sys.executable, "-c", client, sink.url],
            env=os.environ | clock.environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        limit = threading.Timer(PATIENCE_S * 4, asking.kill)  # a real one: time may not leap
        limit.start()
        try:
            assert asking.stdout
            clock.wait_readable(asking.stdout.fileno(), None)
            told = asking.stdout.read()
        finally:
            limit.cancel()
            asking.kill()
            asking.communicate()
        assert told, clock.stats
        assert 600.0 <= float(told) < 660.0
    assert sink.charges == {"a": 1}
