"""The README keeps its word: every command and every snippet in it is run.

- ```` ```sh ````: each line is run in an empty folder, those of one block one after the other.
  A line must end with 0, or with the code that its comment tells: ``# exits with 1``.
- ```` ```python ````: run by pytest if it holds tests, else by Python.
- ```` ```text ````: a picture of output; there is nothing to run.
- Any other kind of block is an error here, so that nothing is left out in silence.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import click
import jobquake
import pytest
from jobquake.cli.group import cli
from support.markdown_page import blocks, commands, kind, of_kind, run_line, run_snippet, tokens

ROOT = Path(jobquake.__file__).parent
README = ROOT / "README.md"
SET_UP = {
    "./quake": "makes a virtual environment from the network first; CI runs it",
    "sh tools/test": "runs these very tests; CI runs it",
}


@pytest.mark.parametrize("block", of_kind(README, "sh"))
def test_each_command_ends_as_the_readme_says(block: str, tmp_path: Path) -> None:
    for line in commands(block):
        if line.split("#")[0].strip() not in SET_UP:
            run_line(line, tmp_path)


@pytest.mark.parametrize("block", of_kind(README, "python"))
def test_each_python_snippet_runs(block: str, tmp_path: Path) -> None:
    run_snippet(block, tmp_path)


def test_there_is_no_block_of_a_kind_that_is_not_run() -> None:
    assert {kind(block) for block in blocks(README.read_text())} <= {"sh", "python", "text"}


def test_the_two_commands_that_set_up_are_there_and_can_be_started() -> None:
    told = [line for block in of_kind(README, "sh") for line in commands(str(block.values[0]))]
    for command in SET_UP:
        assert command in [line.split("#")[0].strip() for line in told], command
        assert os.access(ROOT / command.split()[-1], os.R_OK)
    assert os.access(ROOT / "quake", os.X_OK)
    assert "tools/test" in (ROOT / ".ci" / "run").read_text(), "CI runs it"


def test_commands_in_running_text_exist_with_their_options() -> None:
    spans = [token.content for token in tokens(README.read_text()) if token.type == "code_inline"]
    for words in (span.split() for span in spans):
        if words[0] != "jobquake" or len(words) < 2:
            continue
        command = cli.get_command(click.Context(cli), words[1])
        assert command, words
        known = {option for p in command.params for option in p.opts}
        assert {word for word in words if word.startswith("--")} <= known, words


@pytest.mark.parametrize("word", ["backend", "twin", "scenario", "strike", "bite matrix"])
def test_a_word_of_ours_is_explained_where_it_first_appears(word: str) -> None:
    text = README.read_text()
    first = re.search(rf"\b{word}", text)
    assert first and text.index(f"**{word}**") + 2 == first.start()


# -- the reader itself --------------------------------------------------------------------


def test_the_reader_misses_no_kind_of_block() -> None:
    text = "```sh\na\n```\n\n~~~ruby\nb\n~~~\n\n    c\n\n- item\n\n  ```\n  d\n  ```\n"
    found = [(kind(block), block.content.strip()) for block in blocks(text)]
    assert found == [("sh", "a"), ("ruby", "b"), ("indented, not fenced", "c"), ("", "d")]


@pytest.mark.parametrize(
    ("line", "ends_well"),
    [
        ("jobquake list", True),
        ("jobquake nonsense  # exits with 2", True),
        ("jobquake list  # exits with 1", False),
        ("jobquake nonsense", False),
        ("jobquake replay 'jq1:...' --report page.html", True),
        ("curl example", False),
    ],
)
def test_a_line_is_held_to_its_code(line: str, ends_well: bool, tmp_path: Path) -> None:
    if ends_well:
        run_line(line, tmp_path)
    else:
        with pytest.raises(AssertionError):
            run_line(line, tmp_path)
