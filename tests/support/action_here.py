"""Runs the steps of our GitHub Action here, as its runner does: those that are commands."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jobquake
import yaml

ACTION = Path(jobquake.__file__).parent / "action.yml"
INPUT = re.compile(r"\$\{\{ inputs\.(\w+) \}\}")


def action() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(ACTION.read_text())
    return loaded


class Outcome(NamedTuple):
    """Of the step that shakes the queue. ``summary``: what stands in the job's summary."""

    code: int
    said: str
    summary: str


class Runner:
    """In ``folder``, a checkout of somebody's repository, with these variables besides ours."""

    def __init__(self, folder: Path, variables: Mapping[str, str] | None = None) -> None:
        self._folder, self._variables = folder, dict(variables or {})
        self._summary = folder.parent / "step-summary.md"

    def run(self, steps: tuple[str, ...], **inputs: str) -> Outcome:
        """Run the steps of these names, one after the other, until one of them fails."""
        given = {name: str(known["default"]) for name, known in action()["inputs"].items()}
        assert inputs.keys() <= given.keys()
        given |= inputs
        self._summary.unlink(missing_ok=True)
        self._summary.touch()
        code, said = 0, ""
        for step in action()["runs"]["steps"]:
            if step["name"] not in steps or code:
                continue
            variables = {
                name: INPUT.sub(lambda found: given[found[1]], value)
                for name, value in step["env"].items()
            }
            done = subprocess.run(
                ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
                cwd=self._folder,
                env=os.environ
                | {"GITHUB_STEP_SUMMARY": str(self._summary)}
                | self._variables
                | variables,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            code, said = done.returncode, said + done.stdout
        return Outcome(code, said, self._summary.read_text())
