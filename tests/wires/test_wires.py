"""Each wire on bytes as its clients send them: cut, counted and named alike in every run."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jobquake.wires import WIRES, talk_of
from jobquake.wires.amqp import AmqpTalk
from jobquake.wires.http1 import NO_KEY, OTHER_KEY, SAME_KEY, Http1Talk
from jobquake.wires.postgres import PostgresTalk
from jobquake.wires.resp import RespTalk
from jobquake.wires.sql import (
    BUILDS,
    GONE,
    NEW_KEY,
    NO_CONFLICT,
    OTHER_VALUES,
    SAME_VALUES,
    guard_of,
    statement,
)
from jobquake.wires.unknown import UnknownTalk
from jobquake.wires.wire import READS, UNASKED, Guard, Talk, steady

UUID = "3f2504e0-4f89-11d3-9a0c-0305e82c3301"


def command(*words: str) -> bytes:
    return b"*%d\r\n" % len(words) + b"".join(
        b"$%d\r\n%s\r\n" % (len(word.encode()), word.encode()) for word in words
    )


def cut(talk: Talk, sent: bytes) -> list[bytes]:
    return talk.requests(bytearray(sent))


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ([("LPUSH", "q", "{}")], "LPUSH q"),
        ([("lpush", "celery\x06\x163", "{}")], "LPUSH celery"),
        ([("MULTI",), ("HSET", "unacked", "t", "m"), ("EXEC",)], "MULTI HSET unacked"),
        ([("MULTI",), *[("LLEN", f"q\x06\x16{n}") for n in range(4)], ("EXEC",)], "MULTI LLEN q"),
        ([("HGETALL", f"rq:job:{UUID}")], "HGETALL rq:job:ID"),
        ([("HGETALL", "rq:job:job-0")], "HGETALL rq:job:ID"),
        ([("CLIENT", "SETINFO", "LIB-NAME", "redis-py")], "CLIENT SETINFO"),
        ([("EVALSHA", "ab" * 20, "1", "dramatiq:q", "x")], "EVALSHA dramatiq:q"),
        ([("XREADGROUP", "GROUP", "g", "c", "STREAMS", "jobs", ">")], "XREADGROUP jobs"),
        ([("PING",)], "PING"),
    ],
)
def test_a_command_of_redis_is_named_by_its_key(sent: list[tuple[str, ...]], name: str) -> None:
    talk = RespTalk()
    burst = cut(talk, b"".join(command(*words) for words in sent))
    assert (talk.name(burst), talk.awaited(burst)) == (name, len(sent))


def test_who_subscribes_is_told_what_nobody_can_count() -> None:
    assert RespTalk().awaited([command("PSUBSCRIBE", "news.*")]) == UNASKED


@given(st.lists(st.text(max_size=30), min_size=1, max_size=4), st.data())
def test_commands_that_come_in_pieces_are_cut_alike(words: list[str], data: st.DataObject) -> None:
    whole = command("SET", *words) * 2
    at = data.draw(st.integers(0, len(whole)))
    talk, buffer = RespTalk(), bytearray(whole[:at])
    found = talk.requests(buffer)
    buffer += whole[at:]
    assert [*found, *talk.requests(buffer)] == [command("SET", *words)] * 2 and not buffer


POST = b"POST /charges?key=1 HTTP/1.1\r\nHost: pay\r\nContent-Length: 5\r\n\r\n12345"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"


def test_a_request_of_http_is_named_by_method_and_path() -> None:
    talk = Http1Talk()
    assert not talk.requests(bytearray(POST[:-1]))
    burst = cut(talk, POST)
    assert (talk.name(burst), talk.awaited(burst)) == ("POST /charges", 1)
    assert Http1Talk().name([b"GET /orders/1234 HTTP/1.1\r\n\r\n"]) == "GET /orders/ID"


def test_an_answer_of_http_ends_where_its_body_does() -> None:
    talk = Http1Talk()
    cut(talk, POST)
    interim = b"HTTP/1.1 100 Continue\r\n\r\n"
    assert not talk.replies(bytearray(interim + CHUNKED[:-2]))
    assert talk.replies(bytearray(interim + CHUNKED)) == [interim + CHUNKED]
    cut(talk, b"HEAD / HTTP/1.1\r\n\r\n")
    assert talk.replies(bytearray(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"))


def pg(kind: bytes, body: bytes) -> bytes:
    return kind + (len(body) + 4).to_bytes(4, "big") + body


def test_statements_of_postgresql_are_named_and_answered_when_the_server_is_ready() -> None:
    talk = PostgresTalk()
    start = (8).to_bytes(4, "big") + (80877103).to_bytes(4, "big")
    assert talk.awaited(cut(talk, start)) == 1 and talk.replies(bytearray(b"N")) == [b"N"]
    login = pg(b"", (196608).to_bytes(4, "big") + b"user\0me\0\0")
    assert talk.name(cut(talk, login)) == "connect"
    ready = pg(b"Z", b"I")
    assert talk.replies(bytearray(pg(b"R", bytes(4)) + ready)) == [pg(b"R", bytes(4)) + ready]
    asked = (
        pg(b"P", b"\0INSERT INTO payments VALUES ($1)\0\0\0") + pg(b"B", b"\0\0") + pg(b"S", b"")
    )
    burst = cut(talk, asked)
    assert (talk.name(burst), talk.awaited(burst)) == ("INSERT INTO payments", 1)
    assert not talk.replies(bytearray(pg(b"1", b"") + ready[:-1]))


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("update only orders set paid = true", "UPDATE orders"),
        ("SELECT id FROM public.jobs WHERE 1=1", "SELECT FROM public.jobs"),
        ("BEGIN ISOLATION LEVEL SERIALIZABLE", "BEGIN"),
        ("vacuum analyze", "VACUUM"),
    ],
)
def test_a_statement_is_named_by_what_it_does_to_which_table(query: str, name: str) -> None:
    assert statement(query) == name


def test_a_protocol_is_known_by_how_its_client_begins() -> None:
    assert isinstance(talk_of(command("PING")), RespTalk)
    assert isinstance(talk_of(POST), Http1Talk)
    assert isinstance(talk_of((8).to_bytes(4, "big") + (80877103).to_bytes(4, "big")), PostgresTalk)
    assert isinstance(talk_of(b"AMQP\0\0\x09\x01"), AmqpTalk)
    assert isinstance(talk_of(b"SSH-2.0-OpenSSH_9.2\r\n"), UnknownTalk)
    assert WIRES[-1].name == "unknown"


def test_what_nobody_knows_is_told_by_place_and_size() -> None:
    talk = UnknownTalk()
    assert talk.name([b"x" * 100]) == "message 1 of up to 128 bytes"
    assert talk.name([b"x" * 128]) == "message 2 of up to 128 bytes"


def test_a_name_is_the_same_in_every_run() -> None:
    assert steady(f"worker:{UUID}:7") == steady("worker:0123456789abcdef:12") == "worker:ID:ID"
    assert steady("orders_v2") == "orders_v2"
    assert len(steady("x" * 500)) == 60


def test_http_tells_by_what_a_repetition_is_known_and_what_was_refused() -> None:
    keyed = b"POST /charges HTTP/1.1\r\nIdempotency-Key: a\r\n\r\n"
    assert Http1Talk().guard([keyed]) == Guard(SAME_KEY, "a", OTHER_KEY)
    assert Http1Talk().guard([POST]) == Guard(lacks=NO_KEY) == Http1Talk().guard([keyed, POST])
    assert Http1Talk().guard([b"PUT /o HTTP/1.1\r\n\r\n"]).why == "PUT, which may be repeated"
    assert Http1Talk().guard([b"GET /o HTTP/1.1\r\n\r\n"]).reads
    assert Http1Talk().refused(b"HTTP/1.1 503 No\r\n\r\n")
    assert not Http1Talk().refused(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Made\r\n\r\n")
    assert Http1Talk().changed(b"HTTP/1.1 201 Made\r\n\r\n")
    assert not Http1Talk().changed(b"HTTP/1.1 201 Made\r\nIdempotent-Replayed: true\r\n\r\n")


def test_postgresql_tells_what_writes_and_what_was_refused() -> None:
    def guard(query: str) -> Guard:
        return PostgresTalk().guard([pg(b"Q", query.encode() + b"\0")])

    assert guard("SELECT 1") == guard("BEGIN") == guard("-- why\nSELECT 'update a'") == READS
    assert guard("INSERT INTO a VALUES (1)").lacks == NO_CONFLICT
    assert guard("BEGIN; INSERT INTO a VALUES (';')").lacks == NO_CONFLICT
    assert guard("WITH x AS (SELECT 1) INSERT INTO a SELECT 1").lacks == NO_CONFLICT
    assert guard("DELETE FROM a WHERE b = 1").why == GONE
    talk = PostgresTalk()
    assert talk.refused(pg(b"E", b"no\0") + pg(b"Z", b"E"))
    assert talk.refused(pg(b"C", b"ROLLBACK\0") + pg(b"Z", b"I")), "its transaction had failed"
    assert not talk.refused(pg(b"C", b"INSERT 0 1\0") + pg(b"Z", b"I"))
    assert talk.changed(pg(b"C", b"INSERT 0 1\0")) and talk.changed(pg(b"C", b"COMMIT\0"))
    assert talk.changed(pg(b"C", b"UPDATE 0\0") + pg(b"C", b"UPDATE 2\0"))
    assert not talk.changed(pg(b"C", b"INSERT 0 0\0") + pg(b"C", b"SELECT 1\0"))


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("UPDATE a SET b = 1, c = '5, 6' WHERE d = e + 1", SAME_VALUES),
        ("update a set b = $1::int, c = true returning d", SAME_VALUES),
        ("UPDATE a SET b = b + 1 WHERE d = 1", BUILDS),
        ("UPDATE a SET b = 1, c = now()", BUILDS),
        ("INSERT INTO a VALUES (1) ON CONFLICT (b) DO NOTHING", NEW_KEY),
        ("INSERT INTO a VALUES (1) ON CONFLICT (b) DO UPDATE SET c = EXCLUDED.c", SAME_VALUES),
        ("INSERT INTO a VALUES (1) ON CONFLICT (b) DO UPDATE SET c = a.c + 1", BUILDS),
        ("INSERT INTO a VALUES (1) ON DUPLICATE KEY UPDATE c = VALUES(c)", SAME_VALUES),
        ("INSERT INTO a VALUES (1) ON DUPLICATE KEY UPDATE c = c + 1", BUILDS),
    ],
)
def test_what_sets_may_be_repeated_and_what_builds_on_what_is_there_may_not(
    query: str, told: str
) -> None:
    found = guard_of([(query, b"")])
    assert (found.why or found.lacks) == told
    if found.why:
        assert found.lacks == OTHER_VALUES
        assert found.key == guard_of([(query, b"")]).key != guard_of([(query, b"2")]).key


def test_a_prepared_statement_writes_when_it_is_run_and_not_when_it_is_prepared() -> None:
    talk = PostgresTalk()
    talk.requests(bytearray(pg(b"", (196608).to_bytes(4, "big") + b"user\0me\0\0")))
    prepare = pg(b"P", b"s1\0INSERT INTO a VALUES ($1)\0\0\0") + pg(b"S", b"")
    run = pg(b"B", b"\0s1\0\0\0\0\1\0\0\0\1x\0\0") + pg(b"E", b"\0\0\0\0\0") + pg(b"S", b"")
    assert talk.guard(talk.requests(bytearray(prepare))) == READS
    assert talk.guard(talk.requests(bytearray(run))).lacks == NO_CONFLICT
