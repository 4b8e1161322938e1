"""Wires on what real clients say to real servers: round trips are cut, counted and named right."""

from __future__ import annotations

import select
import socket
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg
import pytest
from jobquake.backends.reference.places import url_of
from jobquake.frameworks.brokers.resp import RedisCalls
from jobquake.frameworks.libraries.celery.outside import Commands
from jobquake.harness.drivers.calltap import Wire
from jobquake.harness.drivers.trips import Record, Trip, TripStrikes
from jobquake.harness.drivers.triptap import TripTap, Watch
from jobquake.harness.drivers.watched import Watched
from jobquake.harness.faults.break_trip import BreakTrip
from jobquake.harness.faults.fault import TripFault
from jobquake.harness.faults.kill_at_trip import KillAtTrip
from jobquake.harness.strikes import CallStrikes
from jobquake.proxy import Embedded
from jobquake.proxy.client import Toxiproxy
from jobquake.sweep.effects import effects
from jobquake.wires.sql import NEW_KEY, NO_CONFLICT, SAME_VALUES
from support.frameworks import plan
from support.servers_here import address


@contextmanager
def watched(upstream: str) -> Iterator[tuple[str, list[Trip]]]:
    """An address before that server, and the round trips that were seen there."""
    with struck(upstream) as (listen, watch):
        assert watch.record is not None
        yield listen, watch.record.trips


@contextmanager
def struck(upstream: str, *faults: TripFault) -> Iterator[tuple[str, Watch]]:
    """An address before that server on which these strike, and what its taps know."""
    ours, record = plan(*faults), Record()
    wire = Wire(
        Watched(RedisCalls(Commands)), CallStrikes(ours), lambda node: None, lambda *_: None,
        ours.job_index,
    )  # fmt: skip
    watch = Watch(wire, TripStrikes(ours), record)
    watch.strikes.begin()
    with Embedded() as embedded:
        proxy = Toxiproxy(embedded.address).create("p", upstream)
        embedded.tap("p", partial(TripTap, watch, 0, service="db"))
        yield proxy.listen, watch


def test_statements_of_psycopg_are_named_and_count_when_they_are_committed() -> None:
    with (
        watched(address("postgres")) as (listen, trips),
        psycopg.connect(url_of("postgres", listen)) as connection,
    ):
        connection.execute("CREATE TEMPORARY TABLE payments (id int PRIMARY KEY)")
        connection.execute("INSERT INTO payments VALUES (%s)", (1,))
        connection.commit()
        connection.execute("INSERT INTO payments VALUES (2)")
        connection.rollback()
        connection.execute("INSERT INTO payments VALUES (1) ON CONFLICT DO NOTHING")
        for _ in range(7):  # psycopg prepares what comes so often
            connection.execute("UPDATE payments SET id = %s", (1,))
        connection.execute("UPDATE payments SET id = id + 1 WHERE id = 7")
        connection.execute("SELECT id FROM payments")
        connection.commit()
        try:
            connection.execute("INSERT INTO payments VALUES (%s)", (1,))
        except psycopg.errors.UniqueViolation:
            connection.rollback()
    names = [trip.name.removeprefix("db: ") for trip in trips if trip.wire == "Postgres"]
    assert "connect" in names and "SELECT FROM payments" in names
    assert names.count("INSERT INTO payments") == 4 and names.count("COMMIT") >= 2
    assert all(trip.answered_s >= 0 for trip in trips if trip.name != "db: wait for the server")
    done = [effect for effect in effects(trips) if "INSERT" in effect.name]
    assert [(effect.guard.lacks, effect.changed) for effect in done] == [
        (NO_CONFLICT, True),
        (NEW_KEY, False),
    ]
    done = [effect for effect in effects(trips) if "UPDATE" in effect.name]
    assert [effect.guard.why for effect in done] == [SAME_VALUES] * 7 + [""]
    assert [effect.changed for effect in done] == [True] * 7 + [False]
    assert len({effect.guard.key for effect in done[:7]}) == 1


class Charges(BaseHTTPRequestHandler):
    """Refuses every request without a key."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(201 if self.headers["Idempotency-Key"] else 400)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None: ...


def test_requests_of_urllib_are_named_and_count_when_they_are_not_refused() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Charges)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with watched(f"127.0.0.1:{server.server_port}") as (listen, trips):
            for headers in ({"Idempotency-Key": "a"}, {}):
                asked = urllib.request.Request(f"http://{listen}/charges?x=1", b"{}", headers)
                try:
                    urllib.request.urlopen(asked).read()
                except urllib.error.HTTPError as error:
                    error.close()
    finally:
        server.shutdown()
        server.server_close()
    assert [(trip.name, trip.refused) for trip in trips] == [
        ("db: POST /charges", False),
        ("db: POST /charges", True),
    ]
    assert [effect.guard.key for effect in effects(trips)] == ["a"]


class Closes(BaseHTTPRequestHandler):
    """Answers once and closes the connection, as it is asked to."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(201)
        self.send_header("Content-Length", "0")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True

    def log_message(self, *_: object) -> None: ...


@pytest.mark.parametrize(
    "fault",
    [
        KillAtTrip("worker", "db: POST /charges", "after", 1),
        BreakTrip("worker", "db: POST /charges", "lose_reply", 1),
    ],
    ids=["dies", "hears nothing"],
)
def test_who_dies_or_hears_nothing_is_not_told_that_the_service_closed(fault: TripFault) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Closes)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with struck(f"127.0.0.1:{server.server_port}", fault) as (listen, watch):
            host, _, port = listen.partition(":")
            with socket.create_connection((host, int(port))) as asking:
                asking.sendall(b"POST /charges HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
                while not (watch.record and watch.record.trips):
                    time.sleep(0.005)
                assert not select.select([asking], [], [], 0.2)[0]
            until_s = time.monotonic() + 10.0
            while any(watch.taps.values()) or watch.dying:
                assert time.monotonic() < until_s, "the connection of who has gone stays open"
                time.sleep(0.005)
    finally:
        server.shutdown()
        server.server_close()
