"""``jobquake proxy`` as its users meet it: what it prints, serves and complains of."""

from __future__ import annotations

import http.client
import json
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.toxiproxy_lines import PATIENCE_S, Lines, LineServer

USAGE, ENVIRONMENT = 2, 3
COMMAND = [sys.executable, "-m", "jobquake", "proxy"]


@contextmanager
def running(*words: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The command on a free port: where its API is, and its process, ended at the end."""
    process = subprocess.Popen(
        [*COMMAND, "--port", "0", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout
        readable, _, _ = select.select([process.stdout], [], [], PATIENCE_S)
        line = process.stdout.readline() if readable else ""
        assert line.startswith("ready http://127.0.0.1:"), line
        yield line.removeprefix("ready http://").strip(), process
    finally:
        process.kill()
        process.communicate()


def get(address: str, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(address, timeout=PATIENCE_S)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def complaint(*words: str, code: int) -> str:
    """The one sentence that the command ends with."""
    done = subprocess.run([*COMMAND, *words], capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == code, done.stdout + done.stderr
    assert done.stdout == ""
    [line] = done.stderr.splitlines()
    assert line.startswith("jobquake: expected ")
    return line


def write(file: Path, value: Any) -> str:
    file.write_text(value if isinstance(value, str) else json.dumps(value))
    return str(file)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_when_it_is_ready_and_ends_on_a_signal_with_open_connections(
    number: signal.Signals,
) -> None:
    with running("--seed", "5") as (address, process):
        assert get(address, "/version") == (200, b'{"version": "2.12.0"}\n')
        assert json.loads(get(address, "/jobquake")[1])["seed"] == 5
        host, _, port = address.rpartition(":")
        with socket.create_connection((host, int(port)), PATIENCE_S) as idle:
            process.send_signal(number)
            assert process.wait(PATIENCE_S) == 0
            assert idle.recv(1) == b""
        assert process.communicate() == ("", "")


def test_a_configuration_brings_proxies_whose_toxics_are_in_place_from_the_start(
    tmp_path: Path,
) -> None:
    toxic = {"type": "limit_data", "attributes": {"bytes": 3}}
    with LineServer() as server:
        proxies = [
            {"name": "on", "listen": "127.0.0.1:0", "upstream": server.address, "toxics": [toxic]},
            {"name": "off", "listen": "127.0.0.1:1", "upstream": "x:1", "enabled": False},
        ]
        with running("--config", write(tmp_path / "c.json", proxies)) as (address, _):
            told = json.loads(get(address, "/proxies")[1])
            assert [(p["name"], p["enabled"]) for p in told.values()] == [
                ("off", False),
                ("on", True),
            ]
            assert [t["name"] for t in told["on"]["toxics"]] == ["limit_data_downstream"]
            with Lines(told["on"]["listen"]) as client:
                assert client.ask("abcdef") == "FIN"


@pytest.mark.parametrize(("words", "status"), [((), 404), (("--proxy-metrics",), 200)])
def test_metrics_are_told_only_if_they_were_asked_for(words: tuple[str, ...], status: int) -> None:
    with running(*words) as (address, _):
        assert get(address, "/metrics")[0] == status


def test_a_port_in_use_is_told_in_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert "address already in use" in complaint("--port", port, code=ENVIRONMENT)


def test_a_proxy_whose_port_is_in_use_is_the_environments_fault(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        config = write(tmp_path / "c.json", [{"name": "a", "listen": listen, "upstream": "x:1"}])
        assert listen in complaint("--port", "0", "--config", config, code=ENVIRONMENT)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("", "EOF"),
        ("[{", "unexpected EOF"),
        ({}, "cannot unmarshal object"),
        ([{"name": "a"}], "missing required field: upstream at proxy 1"),
        ([{"name": "a", "upstream": "x:1", "listen": "nowhere"}], "missing port"),
        ([{"name": "a", "upstream": "x:1", "toxics": [{"type": "ricin"}]}], "invalid toxic type"),
        ([{"name": "a", "upstream": "x:1", "toxics": 3}], "not a list"),
        ([{"name": "a", "upstream": "x:1"}] * 2, "proxy already exists"),
    ],
    ids=str,
)
def test_a_bad_configuration_is_told_in_one_sentence(
    tmp_path: Path, config: Any, said: str
) -> None:
    file = write(tmp_path / "c.json", config)
    assert said in complaint("--port", "0", "--config", file, code=USAGE)


def test_a_configuration_that_is_not_there_is_told_by_its_name(tmp_path: Path) -> None:
    assert "none.json" in complaint("--config", str(tmp_path / "none.json"), code=USAGE)
