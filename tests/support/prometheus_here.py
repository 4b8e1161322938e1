"""A real Prometheus for tests: its server on a port of this machine, and promtool.

Where they are missing their tests are skipped, in CI they fail: nobody would notice there
that they are gone.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest

from support.broker_process import PATIENCE_S, wait_until
from support.scrape import get

CONFIG = """\
global:
  scrape_interval: 200ms
  scrape_timeout: 200ms
  evaluation_interval: 200ms
scrape_configs:
  - job_name: jobquake
    static_configs: [{{targets: [{target}]}}]
rule_files: [{rules}]
"""


def program(name: str) -> str:
    """Where ``prometheus`` or ``promtool`` is; without it: skip, or fail in CI."""
    if found := shutil.which(name):
        return found
    missing = f"expected {name} on PATH, found none; install the package prometheus"
    if os.environ.get("CI", "").lower() in ("true", "1"):
        pytest.fail(missing)
    pytest.skip(missing)


def promtool(*words: str, folder: Path) -> str:
    """What promtool says; it must be content."""
    command = [program("promtool"), *words]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE_S)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


class Prometheus(NamedTuple):
    """A running server; ``query`` and ``alerts`` ask its HTTP interface."""

    url: str

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The vector that the expression gives now. Fails if it is an error."""
        answer = self._ask("query?" + urlencode({"query": expression}))
        assert answer["status"] == "success", (expression, answer)
        vector: list[dict[str, Any]] = answer["data"]["result"]
        return vector

    def alerts(self, state: str = "firing") -> set[tuple[str, str]]:
        """(alert, queue) of all that are in this state."""
        told = self._ask("alerts")["data"]["alerts"]
        return {
            (alert["labels"]["alertname"], alert["labels"].get("queue", ""))
            for alert in told
            if alert["state"] == state
        }

    def rules(self) -> list[dict[str, Any]]:
        groups = self._ask("rules")["data"]["groups"]
        return [rule for group in groups for rule in group["rules"]]

    def _ask(self, what: str) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(get(f"{self.url}/api/v1/{what}")[1])
        return answer


@contextmanager
def scraping(page: str, rules: Path, folder: Path) -> Iterator[Prometheus]:
    """A server that reads the metrics page and the rules every 200 ms, till the block ends."""
    config, log = folder / "prometheus.yml", folder / "prometheus.log"
    target = page.removeprefix("http://").removesuffix("/metrics")
    config.write_text(CONFIG.format(target=json.dumps(target), rules=json.dumps(str(rules))))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = [
        program("prometheus"),
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address={address}",
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        server = Prometheus(f"http://{address}")
        wait_until(lambda: process.poll() is not None or _is_ready(server.url))
        assert process.poll() is None, log.read_text()
        yield server
    finally:
        process.kill()
        process.wait(PATIENCE_S)


def _is_ready(url: str) -> bool:
    try:
        return get(f"{url}/-/ready")[0] == 200
    except OSError:
        return False
