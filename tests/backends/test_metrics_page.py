"""The metrics page as a server and as an option: whoever asks for it disturbs nobody."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from jobquake.backends.metrics import endpoint
from jobquake.backends.metrics.exported import exported
from jobquake.protocol import commands as c
from support.broker_process import PATIENCE_S, Broker, broker_command, running, wait_until
from support.scrape import get, live_through_everything

EMPTY = c.Measured((), {})


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with running(tmp_path / "queue.db", 0, "--metrics-port", "0") as broker:
        yield broker
        assert "Traceback" not in broker.errors.read_text()


def port_of(url: str) -> int:
    return int(url.split(":")[2].split("/")[0])


def ask(port: int, request: bytes) -> bytes:
    """Send the bytes and read until the other side ends the connection."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as connection:
        connection.sendall(request)
        return heard(connection)


def heard(connection: socket.socket) -> bytes:
    data = b""
    with contextlib.suppress(ConnectionError):
        while more := connection.recv(65536):
            data += more
    return data


# -- the web server ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", b"200 OK"),
        (b"GET /metrics?x=1 HTTP/1.0\r\n\r\n", b"200 OK"),
        (b"GET / HTTP/1.1\r\n\r\n", b"404 Not Found"),
        (b"POST /metrics HTTP/1.1\r\nContent-Length: 1\r\n\r\nx", b"405 Method Not Allowed"),
        (b"\r\n\r\n", b"400 Bad Request"),
        (b"\xff\x00 nonsense\r\n\r\n", b"400 Bad Request"),
        (b"GET /metrics HTTP/1.1\r\n" + b"x" * 10_000, b"431 Request Header Fields Too Large"),
    ],
)
def test_a_request_gets_one_answer_and_the_end(request_: bytes, status: bytes) -> None:
    with exported(lambda: EMPTY) as url:
        assert ask(port_of(url), request_).startswith(b"HTTP/1.1 " + status + b"\r\n")


def test_a_request_may_come_byte_by_byte() -> None:
    with (
        exported(lambda: EMPTY) as url,
        socket.create_connection(("127.0.0.1", port_of(url)), PATIENCE_S) as connection,
    ):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in b"GET /metrics HTTP/1.1\r\n\r\n":
            connection.sendall(bytes([byte]))
        assert heard(connection).startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize("sent", [b"", b"GET /metr"])
def test_a_request_that_never_ends_is_ended(sent: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "PATIENCE_S", 0.1)
    with exported(lambda: EMPTY) as url:
        assert ask(port_of(url), sent) == b""


def test_a_page_that_nobody_reads_is_thrown_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some 10 MB, more than the system keeps for a reader with a small buffer."""
    monkeypatch.setattr(endpoint, "PATIENCE_S", 2.0)
    depths = tuple(c.Depth(f"{n:0500}", "ready", 1, 0.0) for n in range(500))
    large = c.Measured(depths, {}, (), ())
    with exported(lambda: large) as url, socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(PATIENCE_S)
        connection.connect(("127.0.0.1", port_of(url)))
        connection.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
        wait_until(lambda: connection.recv(1, socket.MSG_PEEK))
        assert connection.getsockname()[1] in peers()
        assert get(url)[0] == 200, "others are served meanwhile"
        ours = connection.getsockname()[1]
        wait_until(lambda: ours not in peers())


def peers() -> set[int]:
    """The ports to which this process, which is both sides here, has connections."""
    return {end.raddr.port for end in psutil.Process().net_connections("tcp") if end.raddr}


def test_of_too_many_connections_the_newest_are_turned_away() -> None:
    with exported(lambda: EMPTY) as url, contextlib.ExitStack() as open_ones:
        address = ("127.0.0.1", port_of(url))
        for _ in range(endpoint.MOST_CONNECTIONS):
            open_ones.enter_context(socket.create_connection(address, PATIENCE_S))
        assert ask(port_of(url), b"GET /metrics HTTP/1.1\r\n\r\n") == b""
        open_ones.close()
        wait_until(lambda: ask(port_of(url), b"GET /metrics HTTP/1.1\r\n\r\n"))


def test_whoever_misuses_the_page_does_not_disturb_the_queue(broker: Broker) -> None:
    client = broker.client()
    port = port_of(broker.metrics)
    with contextlib.ExitStack() as idle:
        for _ in range(endpoint.MOST_CONNECTIONS + 4):
            idle.enter_context(socket.create_connection(("127.0.0.1", port), PATIENCE_S))
        ask(port, b"\xff" * 100_000)
        live_through_everything(client, "mail")
    wait_until(lambda: ask(port, b"GET /metrics HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 200"))


# -- the command ------------------------------------------------------------------------


def failing(command: list[str]) -> tuple[int, str, str]:
    ended = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S)
    return ended.returncode, ended.stdout, ended.stderr


def test_the_broker_says_where_its_metrics_are_only_if_it_has_any(tmp_path: Path) -> None:
    with running(tmp_path / "queue.db") as broker:
        assert broker.process.stdout
        broker.process.terminate()
        assert broker.process.stdout.read() == b"", "nothing behind the line that says ready"


def test_a_metrics_port_in_use_ends_the_broker_with_one_sentence(tmp_path: Path) -> None:
    with exported(lambda: EMPTY) as url:
        port = str(port_of(url))
        code, out, err = failing(broker_command(tmp_path / "queue.db", 0, "--metrics-port", port))
    assert (code, out) == (3, "")
    assert err == (
        f"jobquake: expected to serve metrics on 127.0.0.1:{port}, found: Address already in use; "
        "choose another --metrics-host or --metrics-port, port 0 for any free one\n"
    )


@pytest.mark.parametrize("host", ["256.0.0.1", "." * 3, "x" * 100])
def test_a_metrics_host_that_is_none_ends_the_broker_with_one_sentence(
    tmp_path: Path, host: str
) -> None:
    more = ["--metrics-port", "0", "--metrics-host", host]
    code, out, err = failing(broker_command(tmp_path / "queue.db", 0, *more))
    assert (code, out) == (3, "")
    assert err.startswith(f"jobquake: expected to serve metrics on {host}:0, found: ")
    assert err.count("\n") == 1


def test_without_the_prometheus_client_the_broker_says_what_to_install(tmp_path: Path) -> None:
    words = broker_command(tmp_path / "queue.db", 0, "--metrics-port", "0")[3:]
    script = "import sys; sys.modules['prometheus_client'] = None\n"
    script += f"sys.argv[1:] = {words!r}\nfrom jobquake.cli import main; main()"
    code, out, err = failing([sys.executable, "-c", script])
    assert (code, out) == (3, "")
    assert err == (
        "jobquake: expected the Prometheus client for Python, found none; "
        "install jobquake[prometheus]\n"
    )
