"""What jobquake puts into somebody else's Python does little, and nothing where there is no run."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

from jobquake.frameworks.app import INSIDE

START = str(INSIDE / "start")


def python(code: str, path: str = START, **env: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": path, **env},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_nothing_happens_where_the_environment_names_no_run() -> None:
    assert (
        python("import sys; print([m for m in sys.modules if m.startswith('_jobquake')])") == "[]"
    )


def test_a_sitecustomize_that_is_there_is_run_too(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import builtins; builtins.theirs = 'ran'")
    path = os.pathsep.join([START, str(tmp_path)])
    look = "import sys; print(theirs, sys.modules['sitecustomize'].__file__)"
    assert python(look, path) == f"ran {tmp_path / 'sitecustomize.py'}"


def test_in_a_run_no_more_is_loaded_than_what_watches(tmp_path: Path) -> None:
    code = "import sys; print(*sorted(m for m in sys.modules))"
    without = set(python(code).split())
    within = set(python(code, JOBQUAKE_FOLDER=str(tmp_path)).split())
    ours = {name for name in within - without if name.startswith("_jobquake")}
    assert ours == {"_jobquake", *_packages("_jobquake.frameworks.inside.imports")}
    assert within - without == ours, "nothing else, so that a worker starts as fast as ever"


def _packages(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[: end + 1]) for end in range(1, len(parts))]


def test_connections_to_the_broker_are_led_elsewhere() -> None:
    with socket.create_server(("127.0.0.1", 0)) as there:
        port = there.getsockname()[1]
        to = ["127.0.0.1", port]
        ways = json.dumps([["broker.example", 6379, *to], ["localhost", 1, *to]])
        code = (
            "import socket\n"
            "for place in (('broker.example', 6379), ('localhost', 1)):\n"
            "    print(socket.create_connection(place, 5).getpeername()[1])\n"
            "plain = socket.socket()\n"
            "plain.connect(('127.0.0.1', 1))\n"
            "print(plain.getpeername()[1])"
        )
        said = python(code, JOBQUAKE_FOLDER="/nowhere", JOBQUAKE_REDIRECT=ways)
    assert said.split() == [str(port)] * 3
