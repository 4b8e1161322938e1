"""docs/adapters.md keeps its word: its commands and snippets are run, and it leaves nothing out."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import get_args

import jobquake
import pytest
from jobquake import adapters
from jobquake.adapters import Claims
from jobquake.backends import registry
from jobquake.commands import Command, Reply
from jobquake.contract import QueueContract
from jobquake.harness.faults.fields import Call
from support.markdown_page import blocks, commands, kind, of_kind, run_line, run_snippet

PAGE = Path(jobquake.__file__).parent / "docs" / "adapters.md"
TEXT = PAGE.read_text()


@pytest.mark.slow  # test_init_command.py tries them one by one
@pytest.mark.parametrize("block", of_kind(PAGE, "sh"))
def test_each_command_ends_as_the_page_says(block: str, tmp_path: Path) -> None:
    for line in commands(block):
        run_line(line, tmp_path)


@pytest.mark.parametrize("block", of_kind(PAGE, "python"))
def test_each_python_snippet_runs(block: str, tmp_path: Path) -> None:
    run_snippet(block, tmp_path)


@pytest.mark.parametrize("block", of_kind(PAGE, "toml"))
def test_the_entry_point_is_where_jobquake_looks(block: str) -> None:
    assert list(tomllib.loads(block)["project"]["entry-points"]) == [registry.GROUP]


def test_there_is_no_block_of_a_kind_that_is_not_run() -> None:
    assert {kind(block) for block in blocks(TEXT)} == {"sh", "python", "toml", "text"}


def test_every_claim_has_a_line_of_its_own() -> None:
    table = TEXT.split("\n## Claims")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    assert sorted(rows) == sorted(Claims.__struct_fields__)


def test_a_claim_that_excuses_something_is_one() -> None:
    excuses = re.findall(r"`(\w+)=(?:False|\"at-most-once\")`", TEXT)
    assert set(excuses) - {"created"} <= set(Claims.__struct_fields__)


@pytest.mark.parametrize("said", [*get_args(Command), *get_args(Reply)], ids=lambda x: x.__name__)
def test_every_command_and_every_reply_is_on_the_page(said: type) -> None:
    assert re.search(rf"\b{said.__name__}\b", TEXT)


@pytest.mark.parametrize("of", ["QueueSystem", "RemoteQueue", "Retaining", "Tenant", "Driven"])
def test_every_member_of_an_adapter_is_on_the_page(of: str) -> None:
    table = TEXT.split("\n## What an adapter is")[1].split("\n## ")[0]
    members = {name for name in vars(getattr(adapters, of)) if not name.startswith("_")}
    assert members and all(re.search(rf"`{name}\b", table) for name in members)


def test_the_calls_of_a_framing_are_those_that_faults_strike() -> None:
    told = TEXT.split("the call (")[1].split(")")[0]
    assert set(re.findall(r"`(\w+)`", told)) == set(get_args(Call))


@pytest.mark.parametrize("setting", ["second_s", "examples"])
def test_a_setting_of_the_contract_is_what_it_is_said_to_be(setting: str) -> None:
    assert f"`{setting} = {getattr(QueueContract, setting)}`" in TEXT
