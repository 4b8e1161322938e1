"""Asks functions of the team's app, each in the app's own Python and folder.

One process answers as long as it can; the next question starts another where it could not. It
ends with the block, or when this process is gone.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from msgspec import Struct

from ..errors import EnvironmentFault, UsageError

RUNNER = Path(__file__).with_name("runner.py")
PATIENCE_S = 30.0


class NoAnswer(EnvironmentFault):
    """Whoever was asked about effects did not answer, or not in a way that can be counted."""


class App(Struct, frozen=True):
    """Where the team's app lives: its folder, the Python that can import it, and what is in the
    environment besides our own."""

    folder: Path
    python: Path = Path(sys.executable)
    environment: dict[str, str] = {}


class AppProcess:
    """Answers questions about ``app`` within ``patience_s`` each; used from one thread."""

    def __init__(self, app: App, patience_s: float = PATIENCE_S) -> None:
        self._app = app
        self._patience_s = patience_s
        self._process: subprocess.Popen[bytes] | None = None
        self._words = tempfile.TemporaryFile()  # noqa: SIM115 (closed at the end of the block)
        self._read = b""

    def ask(self, name: str, *args: Any) -> Any:
        """What the function ``module:function`` returns, given these arguments, as JSON has it.

        Raises UsageError if there is no such function, NoAnswer if it raised or took too long.
        """
        process = self._process or self._start()
        self._process = process
        assert process.stdin
        try:
            process.stdin.write(json.dumps([name, args]).encode() + b"\n")
            process.stdin.flush()
            answer = self._answer(process, name)
        except BaseException as error:
            self._end()
            if isinstance(error, OSError):
                raise NoAnswer(self._died(name)) from None
            raise
        if "value" in answer:
            return answer["value"]
        self._end()  # what raised may have left half of something behind
        if "wrong" in answer:
            raise UsageError(
                f"expected a function {name} in {self._app.folder}, found {answer['wrong']}; "
                "correct the name, or name the app's own Python with --python"
            )
        raise NoAnswer(f"expected {name} to return, found {answer['raised']}; try it by hand")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Nothing is left of it."""
        self._end()
        self._words.close()

    def _start(self) -> subprocess.Popen[bytes]:
        self._read = b""
        self._words.truncate(0)
        try:
            return subprocess.Popen(
                [str(self._app.python), "-c", RUNNER.read_text()],
                cwd=self._app.folder,
                env=os.environ | self._app.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._words,
            )
        except OSError as error:
            where = error.filename or self._app.python
            raise UsageError(
                f"expected a Python at {self._app.python} and an app in {self._app.folder}, "
                f"found: {where}: {error.strerror}; correct --python"
            ) from None

    def _answer(self, process: subprocess.Popen[bytes], name: str) -> dict[str, Any]:
        assert process.stdout
        until = time.monotonic() + self._patience_s
        while b"\n" not in self._read:
            left_s = max(0.0, until - time.monotonic())
            if not select.select([process.stdout], [], [], left_s)[0]:
                raise NoAnswer(
                    f"expected {name} to return within {self._patience_s:g} s, found it still "
                    "running; make it faster"
                )
            chunk = os.read(process.stdout.fileno(), 1 << 16)
            if not chunk:
                process.wait()
                raise NoAnswer(self._died(name))
            self._read += chunk
        line, _, self._read = self._read.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _died(self, name: str) -> str:
        self._words.seek(0)
        said = self._words.read().decode(errors="replace").strip().splitlines()
        return (
            f"expected {name} to return, found that {self._app.python} had ended"
            f"{': ' + said[-1] if said else ''}; try it by hand"
        )

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe:
                with suppress(OSError):  # a question that nobody read is still in it
                    pipe.close()
