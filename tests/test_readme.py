"""The README and the pages of docs/ keep their word: every command and every snippet is run.

- ```` ```sh ````: each line is run in an empty folder, those of one block one after the other.
  A line must end with 0, or with the code that its comment tells: ``# exits with 1``.
- ```` ```python ````: run by pytest if it holds tests, else by Python.
- ```` ```text ````: a picture of output; there is nothing to run. So are settings in
  ```` ```toml ```` and ```` ```yaml ````, which are read.
- Any other kind of block is an error here, so that nothing is left out in silence.
- What a new user types after ``pip install`` is run from a fresh environment: test_ten_minutes.py.
"""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path

import click
import jobquake
import pytest
import yaml
from jobquake.cli.group import cli
from jobquake.project import project_of
from markdown_it.token import Token
from support.markdown_page import blocks, commands, kind, of_kind, run_line, run_snippet, tokens
from support.walk import WALKED, is_file, is_step

ROOT = Path(jobquake.__file__).parent
README = ROOT / "README.md"
MADE = {
    "audits.md",
    "board.md",
    "duplicates.md",
    "mutants.md",
    "practices.md",
    "promises.md",
    "twins.md",
}  # by programs
ELSEWHERE = {
    "adapters.md": "test_adapters_page.py",
    "any-language.md": "test_any_language_page.py",
}
PAGES = [README] + [
    page for page in sorted((ROOT / "docs").glob("*.md")) if page.name not in {*MADE, *ELSEWHERE}
]
SET_UP = {
    "./quake": "makes a virtual environment from the network first; CI runs it",
    "sh tools/test": "runs these very tests; CI runs it",
}
MOST_WORDS = 700
LONG = re.compile(r"explore|soak|capacity|--all|--start|QueueContract")


def in_pages(wanted: str) -> list[pytest.ParameterSet]:
    """Blocks of that kind in all pages, but those that a new user goes through in order.

    Of the pages in docs/ those that search, size or soak for long run with the slow tests.
    """
    return [
        pytest.param(
            *block.values,
            id=f"{page.name} {block.id}",
            marks=[pytest.mark.slow] * bool(page != README and LONG.search(str(block.values[0]))),
        )
        for page in PAGES
        if page == README or page.relative_to(ROOT).as_posix() not in WALKED
        for block in of_kind(page, wanted)
        if not (is_file(str(block.values[0])) or is_step(str(block.values[0])))
    ]


@pytest.mark.parametrize("block", in_pages("sh"))
def test_each_command_ends_as_the_page_says(block: str, tmp_path: Path) -> None:
    for line in commands(block):
        if line.split("#")[0].strip() not in SET_UP:
            run_line(line, tmp_path)


@pytest.mark.parametrize("block", in_pages("python"))
def test_each_python_snippet_runs(block: str, tmp_path: Path) -> None:
    run_snippet(block, tmp_path)


@pytest.mark.parametrize("block", in_pages("toml"))
def test_each_setting_is_one_that_is_read(block: str, tmp_path: Path) -> None:
    assert set(tomllib.loads(block)["tool"]) == {"jobquake"}
    (tmp_path / "pyproject.toml").write_text(block)
    assert project_of(tmp_path).app


@pytest.mark.parametrize("block", of_kind(ROOT / "docs" / "apps.md", "yaml"))  # ci.md: test_action
def test_each_step_for_ci_is_what_init_writes(block: str) -> None:
    from jobquake.cli.app_files import workflow_text

    workflow = yaml.safe_load(workflow_text("test.py", "3.12", "-e ."))
    (step,) = yaml.safe_load(block)
    assert step in workflow["jobs"]["jobquake"]["steps"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_there_is_no_block_of_a_kind_that_is_not_run(page: Path) -> None:
    found: list[Token] = blocks(page.read_text())
    assert {kind(block) for block in found} <= {"sh", "python", "text", "toml", "yaml"}
    steps = [block for block in found if is_step(block.content) or is_file(block.content)]
    assert not steps or page.relative_to(ROOT).as_posix() in WALKED


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_link_to_a_file_leads_somewhere(page: Path) -> None:
    links = [
        str(token.attrs.get("href") or token.attrs.get("src"))
        for token in tokens(page.read_text())
        if token.type in ("link_open", "image")
    ]
    files = [link.partition("#")[0] for link in links if "://" not in link]
    assert not [file for file in files if not (page.parent / file).exists()]


def test_the_two_commands_that_set_up_are_there_and_can_be_started() -> None:
    told = [line for block in of_kind(README, "sh") for line in commands(str(block.values[0]))]
    for command in SET_UP:
        assert command in [line.split("#")[0].strip() for line in told], command
        assert os.access(ROOT / command.split()[-1], os.R_OK)
    assert os.access(ROOT / "quake", os.X_OK)
    assert "tools/test" in (ROOT / ".ci" / "run").read_text(), "CI runs it"


def test_the_readme_is_short_and_shows_its_limits_on_the_first_screen() -> None:
    text = README.read_text()
    assert len(text.split()) < MOST_WORDS
    assert text.index("**Limits.**") < text.index("](docs/report-"), "before the picture"
    assert text.index("pip install") < text.index("def test_") < text.index("](docs/report-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_in_running_text_exist_with_their_options(page: Path) -> None:
    spans = [token.content for token in tokens(page.read_text()) if token.type == "code_inline"]
    for words in (span.split() for span in spans):
        if words[0] != "jobquake" or len(words) < 2:
            continue
        command = cli.get_command(click.Context(cli), words[1])
        assert command, words
        known = {option for p in command.params for option in p.opts}
        assert {word for word in words if word.startswith("--")} <= known, words


@pytest.mark.parametrize("page", ["queues.md", "scenarios.md"])
@pytest.mark.parametrize("word", ["backend", "twin", "scenario", "strike", "bite matrix"])
def test_a_word_of_ours_is_explained_where_it_first_appears(word: str, page: str) -> None:
    text = (ROOT / "docs" / page).read_text()
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
