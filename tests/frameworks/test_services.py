"""What an app's tasks call besides the broker: how it is said, and where connections are led."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jobquake.errors import EnvironmentFault, UsageError
from jobquake.frameworks.app import App
from jobquake.frameworks.libraries.rq.outside import LIBRARY
from jobquake.frameworks.library import Looked
from jobquake.frameworks.services import put
from jobquake.frameworks.system import AppSystem
from jobquake.harness.drivers.clean import Workspace
from jobquake.harness.drivers.pace import RealTime
from jobquake.harness.drivers.services import start_services
from jobquake.harness.drivers.spawn import spawner

SAID = "payments=localhost:8475=python -m pay --port {port}"


def test_a_service_is_one_text() -> None:
    service, said = put(SAID)
    assert (service.name, service.host, service.port) == ("payments", "localhost", 8475)
    assert service.command == ("python", "-m", "pay", "--port", "{port}") and said == SAID


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("payments", "expected NAME=HOST:PORT=COMMAND as service"),
        ("payments=localhost:99999=serve {port}", "expected NAME=HOST:PORT=COMMAND"),
        ("payments=localhost:80=serve '{port}", "mend its quotes"),
        ("payments=localhost:80=serve", "expected {port} in the command that serves payments"),
    ],
)
def test_what_makes_no_sense_is_told_in_a_sentence(said: str, words: str) -> None:
    with pytest.raises(UsageError) as raised:
        put(said)
    assert words in str(raised.value)


def test_connections_are_led_to_the_proxy_and_urls_in_the_environment_too() -> None:
    env = {"PAY": "http://localhost:8475/v1", "ELSE": "localhost:84755", "JOBQUAKE_REDIRECT": "[]"}
    system = AppSystem(App("a:b", services=(put(SAID),)), LIBRARY, Looked("rq", "3", "3", ""))
    led = system.lead(env, {"payments": "127.0.0.1:4000"})
    assert (led["PAY"], led["ELSE"]) == ("http://127.0.0.1:4000/v1", "localhost:84755")
    assert json.loads(led["JOBQUAKE_REDIRECT"]) == [["localhost", 8475, "127.0.0.1", 4000]]
    assert "--service" in system.options and SAID in system.options


def test_a_service_that_does_not_come_is_told_with_its_last_words(tmp_path: Path) -> None:
    service = put("pay=localhost:80=python -c 'raise SystemExit(\"no {port}\")'").service
    with pytest.raises(EnvironmentFault, match=r"expected pay to listen at port (\d+) .* no \1"):
        start_services([service], tmp_path, spawner(Workspace("m", tmp_path, True), RealTime()))
