"""Pages of Markdown as tests read them: which blocks there are, and how each is run."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from jobquake.harness.plan.replay import encode
from jobquake.scenarios import registry as scenarios
from markdown_it import MarkdownIt
from markdown_it.token import Token

RUNS = {
    "jobquake": [sys.executable, "-m", "jobquake"],
    "./quake": [sys.executable, "-m", "jobquake"],
    "python": [sys.executable],
    "pytest": [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"],
}
SAMPLE = "jq1:..."  # stands for a replay string, which is too long to print


def tokens(markdown: str) -> list[Token]:
    """Blocks, and the spans of text within them."""
    parsed = MarkdownIt().parse(markdown)
    return [token for block in parsed for token in (block, *(block.children or ()))]


def blocks(markdown: str) -> list[Token]:
    return [token for token in tokens(markdown) if token.type in ("fence", "code_block")]


def kind(block: Token) -> str:
    return block.info.strip() if block.type == "fence" else "indented, not fenced"


def of_kind(page: Path, wanted: str) -> list[pytest.ParameterSet]:
    """The blocks of that kind, each named by its line, to parametrize a test with."""
    found = [block for block in blocks(page.read_text()) if kind(block) == wanted]
    return [pytest.param(b.content, id=f"line {b.map[0] + 1}" if b.map else "") for b in found]


def commands(block: str) -> list[str]:
    return [line for line in block.splitlines() if line.strip() and not line.startswith("#")]


def expected_code(line: str) -> int:
    """0, or what the line's comment says."""
    told = re.search(r"#.*\bexits with (\d+)", line)
    return int(told[1]) if told else 0


def run_line(line: str, folder: Path) -> None:
    """Run one line of a shell block; it must end with its code."""
    replay = encode(scenarios.find("network-timeout").plan(0), "reference", "sim")
    words = shlex.split(line.replace(SAMPLE, replay), comments=True)
    assert words[0] in RUNS, f"expected a command that starts with one of {[*RUNS]}, found {line}"
    done = subprocess.run(
        [*RUNS[words[0]], *words[1:]],
        cwd=folder,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == expected_code(line), f"{line}\n{done.stdout}{done.stderr}"


def run_snippet(snippet: str, folder: Path) -> None:
    """Run it by pytest if it holds tests, else by Python."""
    (folder / "test_snippet.py").write_text(snippet)
    tests = re.search(r"^ *(def test_|class Test)", snippet, re.MULTILINE)
    run_line(f"{'pytest' if tests else 'python'} test_snippet.py", folder)
