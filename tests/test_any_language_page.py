"""docs/any-language.md keeps its word: BullMQ is tested with the page's own files."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import jobquake
import msgspec
import pytest
from jobquake.frameworks.described.description import Description, read
from support.command import HELD, ended
from support.markdown_page import blocks, commands, kind, of_kind

PAGE = Path(jobquake.__file__).parent / "docs" / "any-language.md"
TEXT = PAGE.read_text()
FILES = dict(re.findall(r"^`([\w.]+)`:\n\n```\w+\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL))


def written(folder: Path) -> Path:
    for name, text in FILES.items():
        (folder / name).write_text(text)
    return folder


def test_every_block_is_a_file_a_command_or_a_picture(tmp_path: Path) -> None:
    assert {kind(block) for block in blocks(TEXT)} == {"sh", "toml", "js", "text"}
    assert set(FILES) == {"bullmq.toml", "worker.js", "enqueue.js", "inspect.js"}
    assert len([*of_kind(PAGE, "js"), *of_kind(PAGE, "toml")]) == len(FILES)
    assert read(written(tmp_path) / "bullmq.toml").promises.dead_letters


def test_every_key_is_on_the_page() -> None:
    table = TEXT.split("\n## The file")[1].split("\n## ")[0]
    known = {field.encode_name for field in msgspec.structs.fields(Description)}
    assert known <= set(re.findall(r"`\[?([\w-]+)\]?`", table))


@pytest.mark.slow
def test_bullmq_brings_back_what_a_dead_worker_held_and_the_page_says_after_how_long(
    tmp_path: Path,
) -> None:
    if not shutil.which("npm"):
        pytest.skip("expected npm on PATH to install BullMQ with, found none")
    (block,) = (param.values[0] for param in of_kind(PAGE, "sh"))
    install, run = commands(str(block))
    folder = written(tmp_path)
    subprocess.run(install.split(), cwd=folder, check=True, capture_output=True)
    done = ended(*run.split()[1:], within=folder)
    assert done.returncode == HELD, done.stdout
    first_s, last_s = map(float, re.findall(r"after ([\d.]+) to ([\d.]+) s", done.stdout)[0])
    assert 55 < first_s <= last_s < 125
    assert tomllib.loads(FILES["bullmq.toml"])["recovers-within"] <= last_s
