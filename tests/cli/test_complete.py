"""What a shell is told when it asks how a word may go on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from jobquake.scenarios import registry as scenarios


def told(within: Path, **asked: str) -> str:
    script = "import sys; sys.argv[0] = 'jobquake'; import jobquake.cli; jobquake.cli.main()"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | asked,
        cwd=within,
        capture_output=True,
        text=True,
    )
    assert not done.stderr
    return done.stdout


def completed(*words: str, within: Path) -> set[str]:
    """What bash is offered for the last of the words."""
    line, place = " ".join(["jobquake", *words]), str(len(words))
    offered = told(within, _JOBQUAKE_COMPLETE="bash_complete", COMP_WORDS=line, COMP_CWORD=place)
    return {row.partition(",")[2] for row in offered.split()}


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("so",), {"soak"}),
        (("run", "worker-k"), {n for n in scenarios.names() if n.startswith("worker-k")}),
        (("run", "--backend", "reference-r"), {"reference-redis", "reference-redis-careless"}),
        (("explore", "twin-no-le"), {"twin-no-lease"}),
        (("timeline", "jobquake-runs/o"), {"jobquake-runs/one"}),
        (("run", "there-is-no-such"), set()),
    ],
)
def test_a_shell_completes(words: tuple[str, ...], offered: set[str], tmp_path: Path) -> None:
    kept = tmp_path / "jobquake-runs" / "one"
    kept.mkdir(parents=True)
    (kept / "result.json").touch()
    assert completed(*words, within=tmp_path) == offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_is_given_a_script_that_asks(shell: str, tmp_path: Path) -> None:
    script = told(tmp_path, _JOBQUAKE_COMPLETE=f"{shell}_source")
    assert f"_JOBQUAKE_COMPLETE={shell}_complete" in script
