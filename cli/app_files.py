"""What ``jobquake init`` writes for an app: a test, and a step for GitHub that runs it."""

from __future__ import annotations

import shlex
import tomllib
from pathlib import Path

from ..frameworks.sign import sign

TEST = '''\
"""What becomes of the jobs of {target} when workers die.

Written by `jobquake init`; change it as you like.
"""

import pytest


@pytest.mark.parametrize("kill", ["child", "worker"])
def test_no_job_is_lost_when_its_worker_dies(jobquake, kill):
    """The process that runs a job is killed, or the whole worker, as by a host that dies."""
    {result}jobquake.run(
        "worker-kill-before-ack",
{arguments}        kill=kill,
    )
{left}'''
OWN_TASK = "        # Jobquake's own task is called. One of yours: {example}\n"
WORKFLOW = """\
# Written by `jobquake init`: what becomes of jobs when workers die.
name: jobquake
on: [push, pull_request]
jobs:
  jobquake:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "{python}"
      - run: python -m pip install {requirements} "jobquake[redis-server]"
      - run: python -m pytest {test}
      - uses: actions/upload-artifact@v4
        if: failure()
        with:
          name: jobquake
          path: "**/.jobquake"
          include-hidden-files: true
"""
WORKFLOW_FILE = Path(".github", "workflows", "jobquake.yml")
TEST_FILE = "test_jobquake.py"


def test_file(project: Path) -> Path:
    """Where the test goes: to the other tests."""
    folder = next((name for name in ("tests", "test") if (project / name).is_dir()), "")
    return project / folder / TEST_FILE


def test_text(library: str, target: str, said: dict[str, str], example: str) -> str:
    """The test of that app; ``said`` are further arguments, as Python writes them."""
    lines = [f"        {name}={value},\n" for name, value in {"app": f'"{target}"', **said}.items()]
    own = [] if "task" in said else [OWN_TASK.format(example=example)]
    left = sign(library).test_ends
    result = "result = " if left else ""
    arguments = "".join([*lines, *own])
    return TEST.format(target=target, arguments=arguments, result=result, left=left)


def workflow_text(test: str, python: str, requirements: str) -> str:
    return WORKFLOW.format(test=test, python=python, requirements=requirements)


def requirements_of(project: Path, library: str, version: str) -> str:
    """How pip installs what the project needs, as its files say; else the library alone."""
    for name in ("requirements.txt", "requirements/dev.txt", "requirements/base.txt"):
        if (project / name).is_file():
            return f"-r {name}"
    if (project / "setup.py").is_file() or _is_package(project / "pyproject.toml"):
        return "-e ."
    pins = [pin.partition("==")[0] for pin in sign(library).pins]
    return shlex.join([f"{pins[0]}=={version}", *pins[1:]])


def _is_package(file: Path) -> bool:
    """Whether that pyproject.toml is of something that pip installs, and no mere settings."""
    try:
        said = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return "project" in said or "build-system" in said
