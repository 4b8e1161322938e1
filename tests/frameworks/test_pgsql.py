"""What passes between a library and PostgreSQL is read off the wire, and no byte is changed."""

from __future__ import annotations

from jobquake.frameworks.brokers.pgsql import PostgresCalls
from jobquake.frameworks.libraries.procrastinate.outside import Statements
from jobquake.wires.postgres import PostgresTalk
from jobquake.wires.sql import statement

FETCH = "SELECT id FROM procrastinate_fetch_job_v2($1, $2)"
FINISH = "SELECT procrastinate_finish_job_v1($1, $2, $3)"
HELLO = b"\x00\x03\x00\x00user\x00jobquake\x00\x00"


def message(kind: bytes, body: bytes) -> bytes:
    return kind + (len(body) + 4).to_bytes(4, "big") + body


def asked(text: str, *values: bytes, binary: bool = False) -> bytes:
    """Parse, Bind and Sync, as psycopg sends them."""
    formats = b"\0\1" + (b"\0\1" if binary else b"\0\0")
    bound = b"".join(len(value).to_bytes(4, "big") + value for value in values)
    return b"".join(
        [
            message(b"P", b"\0" + text.encode() + b"\0\0\0"),
            message(b"B", b"\0\0" + formats + len(values).to_bytes(2, "big") + bound + b"\0\1\0\0"),
            message(b"S", b""),
        ]
    )


def row(*values: bytes | None) -> bytes:
    body = len(values).to_bytes(2, "big")
    for value in values:
        body += b"\xff\xff\xff\xff" if value is None else len(value).to_bytes(4, "big") + value
    return message(b"D", body)


def test_a_job_is_followed_from_its_fetch_to_its_finish_by_the_tables_own_id() -> None:
    calls = PostgresCalls(Statements)
    fetching, finishing = calls.session(), calls.session()
    for session in (fetching, finishing):
        assert session.request((len(HELLO) + 4).to_bytes(4, "big") + HELLO) == (0, "", "")
        session.reply(message(b"Z", b"I"))
    fetching.request(asked(FETCH, b"{}", b"3"))
    fields = (b"17", b"doing", b"play", b"0", None, b"job-4", b"{}", None, b"default", b"0", b"3")
    assert fetching.reply(row(*fields)) == (0, "lease", "job-4")
    assert fetching.passing and fetching.passing.words == "PostgreSQL answered fetch_job with it"
    for number, binary in ((b"17", False), (b"\0\x11", True)):
        assert finishing.request(asked(FINISH, number, binary=binary)) == (0, "ack", "job-4")
    assert finishing.request(asked(FINISH, b"18")) == (0, "", ""), "nobody's that is known"


def test_replies_are_cut_message_by_message_and_kept_until_they_are_whole() -> None:
    calls = PostgresCalls(Statements)
    whole = [row(b"1", None), message(b"A", b"\0\0\0\1news\0\0"), message(b"Z", b"I")]
    stream, found, buffer = b"".join(whole), list[bytes](), bytearray()
    for byte in stream:
        buffer.append(byte)
        found += calls.split_replies(buffer)
    assert found == whole and not buffer


def test_a_call_of_a_function_has_its_name() -> None:
    assert statement("SELECT finish_job($1)") == "SELECT finish_job()"
    assert statement("SELECT  unnest(\n  defer_jobs(\n $1::job[])) AS id") == "SELECT defer_jobs()"
    assert statement("SELECT now() FROM clocks") == "SELECT FROM clocks"
    talk, parse = PostgresTalk(), message(b"P", b"_pg3_4\0SELECT finish_job($1)\0\0\0")
    assert talk.name([parse]) == "SELECT finish_job()"
    assert talk.name([message(b"B", b"\0_pg3_4\0\0\0")]) == "SELECT finish_job()"


def test_a_notification_passes_at_once_where_nothing_is_to_be_answered() -> None:
    talk, note = PostgresTalk(), message(b"A", b"\0\0\0\1news\0\0")
    assert talk.requests(bytearray((len(HELLO) + 4).to_bytes(4, "big") + HELLO))
    hello = message(b"R", b"\0\0\0\0") + message(b"Z", b"I")
    assert talk.replies(bytearray(hello)) == [hello]
    assert talk.replies(bytearray(note)) == [note]
    listening = asked("LISTEN news")
    assert talk.requests(bytearray(listening)) and talk.name([listening]) == "LISTEN news"
    answer = message(b"1", b"") + note + message(b"Z", b"I")
    assert talk.replies(bytearray(answer[:-1])) == []
    assert talk.replies(bytearray(answer)) == [answer]
    assert talk.replies(bytearray(note)) == [note]
