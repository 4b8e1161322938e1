"""The room of commands: a file a command, found by its folder, shown by section, loaded late."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from jobquake.cli import commands
from jobquake.cli.group import SECTIONS, cli
from support.weight import HEAVY, loaded_by

NAMES = cli.list_commands(click.Context(cli))
GREET = '''"""The command ``jobquake say-hello``."""

import click

SECTION = "look"


@click.command("say-hello")
@click.option("--to", default="you")
def command(to):
    """Greet somebody."""
    click.echo(f"hello, {to}")
    return 4
'''


def test_a_new_command_is_one_file_in_the_folder_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "say-hello" not in CliRunner().invoke(cli, ["--help"]).output
    (tmp_path / "say_hello.py").write_text(GREET)
    monkeypatch.setattr(commands, "__path__", [*commands.__path__, str(tmp_path)])
    page = CliRunner().invoke(cli, ["--help"]).output
    look = page.split(SECTIONS["look"])[1].split("\n\n")[0]
    assert re.search(r"say-hello +Greet somebody\.", look)
    done = CliRunner().invoke(cli, ["say-hello", "--to", "Ann"], standalone_mode=False)
    assert (done.output, done.return_value) == ("hello, Ann\n", 4)


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["soak", "--help"]])
def test_help_loads_nothing_heavy(words: list[str]) -> None:
    loaded = loaded_by(f"from jobquake.cli.group import cli; cli({words}, standalone_mode=False)")
    assert not (HEAVY - {"click"} | {"msgspec"}) & loaded
    rooms = {m for m in loaded if m.startswith(("jobquake.harness", "jobquake.backends."))}
    limits = "jobquake.backends.reference.broker.limits"  # numbers that the help tells
    assert not {m for m in rooms if not limits.startswith(m)}


def test_a_command_loads_no_other_command() -> None:
    loaded = loaded_by("from jobquake.cli.group import cli; cli(['list'], standalone_mode=False)")
    assert {m for m in loaded if m.startswith("jobquake.cli.commands.")} == {
        "jobquake.cli.commands.list"
    }


def test_the_entry_point_loads_nothing_until_it_is_called() -> None:
    loaded = loaded_by("from jobquake.cli import main")
    assert "click" not in loaded
    assert {m for m in loaded if m.startswith("jobquake.cli.")} == set()


@pytest.mark.parametrize("name", ["practices", "duplicates"])
def test_a_command_that_has_left_says_where_it_is(name: str) -> None:
    done = subprocess.run([sys.executable, "-m", "jobquake", name], capture_output=True, text=True)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert f"run 'python tools/docs.py {name}'" in line
    assert (Path(commands.__path__[0]).parents[1] / "tools" / "docs.py").exists()


def command_of(name: str) -> click.Command:
    command = cli.get_command(click.Context(cli), name)
    assert command
    return command


@pytest.mark.parametrize("name", NAMES)
def test_every_option_of_a_command_says_what_it_does(name: str) -> None:
    silent = [p.opts for p in command_of(name).params if isinstance(p, click.Option) and not p.help]
    assert not silent


@pytest.mark.parametrize("name", NAMES)
def test_the_help_of_a_command_has_an_example_that_its_options_accept(name: str) -> None:
    page = CliRunner().invoke(cli, [name, "--help"]).output
    examples = [line.strip() for line in page.splitlines() if line.startswith("    jobquake ")]
    assert examples
    for line in examples:
        _, first, *words = shlex.split(line.split(">")[0])
        assert first == name
        command_of(name).make_context(name, words)


def test_the_words_of_the_field_are_explained_where_they_first_appear() -> None:
    page = " ".join(CliRunner().invoke(cli, ["--help"]).output.split())
    for word in ("A strike is ", "A twin is ", "The bite matrix counts "):
        assert word in page
