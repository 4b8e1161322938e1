"""A new user's first ten minutes, page by page: a fresh environment, an app nobody prepared.

Each page is followed from ``pip install`` of this checkout's wheel to a red test and to a green
one; programs that pip does not install, such as a redis-server, are out of reach.
"""

from __future__ import annotations

import re
from pathlib import Path

import jobquake
import pytest
import yaml
from support.markdown_page import blocks, commands, kind
from support.walk import WALKED, Walk
from support.wheel import build_wheel

ROOT = Path(jobquake.__file__).parent
CELERY, RQ = ROOT / "docs" / "celery.md", ROOT / "docs" / "rq.md"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


def app() -> str:
    """The app of the page on Celery, as somebody has it who never heard of jobquake."""
    return next(b.content for b in blocks(CELERY.read_text()) if kind(b) == "python")


def see_page(walk: Walk, said: str) -> None:
    """The one page that pytest named is there."""
    (named,) = re.findall(r"^report: (.*)$", said, re.MULTILINE)
    assert (walk.folder / named).read_text().startswith("<!doctype html>")


@pytest.mark.slow
@pytest.mark.parametrize("page", [CELERY, RQ], ids=lambda page: page.name)
def test_a_page_leads_to_a_red_test_with_its_page_and_to_a_green_one(
    page: Path, wheel: Path, tmp_path: Path
) -> None:
    walk = Walk(tmp_path, wheel)
    tested = [said for line, said in walk.follow(page) if line.startswith("pytest")]
    red, green = tested
    assert "1 failed" in red and "1 passed" in green
    (named,) = re.findall(r"^report: (.*)$", red, re.MULTILINE)
    assert named.startswith(".jobquake/") and named.endswith("/report.html")
    assert not list((walk.folder / ".jobquake").glob("*/*/report.html")), "green keeps nothing"


@pytest.mark.slow
def test_the_first_screen_of_the_readme_is_true(wheel: Path, tmp_path: Path) -> None:
    walk = Walk(tmp_path, wheel)
    (walk.folder / "shop.py").write_text(app())
    said = next(said for line, said in walk.follow(ROOT / "README.md") if line.startswith("pytest"))
    assert "its effect never happened, there is no dead letter, and the queue" in said
    see_page(walk, said)
    demo = walk.run("jobquake demo celery  # exits with 1")
    assert "violated      demo-celery" in demo and "7 done, 1 lost" in demo


@pytest.mark.parametrize("name", WALKED)
def test_the_way_to_red_is_shorter_than_ten_lines(name: str) -> None:
    lines: list[str] = []
    found = blocks((ROOT / name).read_text())
    installs = next(n for n, block in enumerate(found) if block.content.startswith("pip install"))
    for block in found[installs:]:
        lines += commands(block.content) if kind(block) in ("sh", "python") else []
        if lines[-1].startswith("pytest"):
            break
    assert 3 < len(lines) < 10


@pytest.mark.slow
def test_init_writes_a_step_for_ci_whose_commands_run(wheel: Path, tmp_path: Path) -> None:
    walk = Walk(tmp_path, wheel)
    (walk.folder / "shop.py").write_text(app())
    (walk.folder / "requirements.txt").write_text("celery\nredis\n")
    walk.run("pip install jobquake[redis-server] -r requirements.txt")
    said = walk.run("jobquake init")
    assert said.startswith("found shop:app: Celery ")
    assert len(re.findall(r"^report: ", said, re.MULTILINE)) == 2
    workflow = yaml.safe_load((walk.folder / ".github/workflows/jobquake.yml").read_text())
    install, test = [step["run"] for step in workflow["jobs"]["jobquake"]["steps"] if "run" in step]
    walk.run(install)
    see_page(walk, walk.run(f"{test} -k child  # exits with 1"))
