"""A page of Markdown as somebody follows it: from top to bottom, in a fresh environment.

A block of Python whose first line is a comment with the name of a file is that file. Each line of a
block of shell is run, and must end with 0 or with what its comment tells. The rest is read.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from support.markdown_page import blocks, commands, expected_code, kind

FILE = re.compile(r"# ([\w/]+\.py)\n")
STEP = re.compile(r"(pip install|pytest)\b")
WALKED = ("README.md", "docs/celery.md", "docs/rq.md")


def is_file(block: str) -> bool:
    return FILE.match(block) is not None


def is_step(block: str) -> bool:
    """Whether it is shell that only somebody who follows the page can run."""
    return STEP.match(block) is not None


class Walk:
    """A folder, and a virtual environment in which pip installs jobquake from that wheel.

    Programs are looked for in the environment only: what pip does not install is not there.
    """

    def __init__(self, folder: Path, wheel: Path) -> None:
        self.folder = folder / "project"
        self.folder.mkdir()
        self._environment = folder / "environment"
        self._wheel = wheel
        base = getattr(sys, "_base_executable", sys.executable)
        subprocess.run([base, "-m", "venv", str(self._environment)], check=True)

    def follow(self, page: Path) -> Iterator[tuple[str, str]]:
        """Each command of the page, when it has ended as it should, and what it said."""
        for block in blocks(page.read_text()):
            if kind(block) == "python" and (file := FILE.match(block.content)):
                (self.folder / file[1]).write_text(block.content)
            elif kind(block) == "sh":
                for line in commands(block.content):
                    yield line, self.run(line)

    def run(self, line: str) -> str:
        program, *words = shlex.split(line, comments=True)
        words = [re.sub(r"^jobquake(?=\[|$)", str(self._wheel), word) for word in words]
        done = subprocess.run(
            [str(self._environment / "bin" / program), *words],
            cwd=self.folder,
            env={
                "PATH": str(self._environment / "bin"),
                "HOME": os.environ.get("HOME", str(self.folder)),
                **{name: value for name, value in os.environ.items() if name.startswith("PIP_")},
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode == expected_code(line), f"{line}\n{done.stdout}"
        return done.stdout
