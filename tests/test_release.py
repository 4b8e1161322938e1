"""A release: what is written, what is built, and that it runs where nobody prepared anything."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from datetime import date
from pathlib import Path
from types import ModuleType

import click
import jobquake
import pytest
from jobquake.cli.group import cli

ROOT = Path(jobquake.__file__).parent
STABILITY = ROOT / "docs" / "stability.md"
HOME = "https://example.org/team/jobquake"
OTHERS = ("3.11", "3.12", "3.13")


@pytest.fixture(scope="module")
def release() -> ModuleType:
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        import release
    finally:
        sys.path.remove(str(ROOT / "tools"))
    return release


# -- what is written ------------------------------------------------------------------------


def test_what_is_unreleased_gets_the_version_and_the_day(release: ModuleType) -> None:
    said = release.dated("# C\n\n## Unreleased\n\n- new\n\n## 0.1.0\n", "0.2.0", date(2026, 1, 2))
    assert said == "# C\n\n## Unreleased\n\n## 0.2.0 (2026-01-02)\n\n- new\n\n## 0.1.0\n"
    with pytest.raises(click.UsageError, match="expected entries"):
        release.dated("## Unreleased\n\n## 0.1.0 (2026-01-02)\n- old\n", "0.2.0", date(2026, 1, 2))
    with pytest.raises(click.UsageError, match="expected a new version"):
        release.dated(said, "0.2.0", date(2026, 1, 3))


def test_the_version_stands_in_one_line_of_each_file_that_says_it(release: ModuleType) -> None:
    for name, text in release.edits(ROOT, "9.8.7").items():
        before = (ROOT / name).read_text()
        changed = {*text.splitlines()} - {*before.splitlines()}
        assert len(changed) == 1 and "9.8.7" in changed.pop(), name


def test_no_link_of_the_readme_needs_a_file_beside_it_on_a_package_page(
    release: ModuleType,
) -> None:
    text = release.at_home((ROOT / "README.md").read_text(), HOME, "0.2.0")
    links = re.findall(r"\]\(([^)\s]+)\)", text)
    assert len(links) > 10 and all(link.startswith("https://") for link in links)
    assert "![The page of a Celery task" in text and f"]({HOME}/raw/v0.2.0/docs/" in text
    assert f"]({HOME}/blob/v0.2.0/docs/ci.md)" in text


# -- what stays -----------------------------------------------------------------------------


def listed() -> tuple[list[str], list[str]]:
    """The names and the commands that the page's tables list in their second columns."""
    rows = re.findall(r"^\| ([^|]+) \| (.*) \|$", STABILITY.read_text(), re.MULTILINE)
    words = {kind: list[str]() for kind in (True, False)}
    for told, names in rows:
        words[told == "commands"] += re.findall(r"`([\w-]+)`", names)
    return words[False], words[True]


def test_every_public_name_and_every_command_is_said_to_stay_or_to_change_once() -> None:
    names, commands = listed()
    assert sorted(commands) == sorted(cli.list_commands(click.Context(cli)))
    public = {name for name in dir(jobquake) if name[0] != "_"}
    assert sorted(name for name in names if name in public) == sorted(public)


# -- what is built --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release of a clone of this checkout, with what is not committed yet."""
    clone = tmp_path_factory.mktemp("release") / "clone"
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-C"]
    subprocess.run(["git", "clone", "-q", "--depth=1", f"file://{ROOT}", str(clone)], check=True)
    listed = subprocess.run(
        [*git, str(ROOT), "ls-files", "-comz", "--exclude-standard"],
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, clone / name)
    subprocess.run([*git, str(clone), "add", "-A"], check=True)
    subprocess.run([*git, str(clone), "commit", "-qm", "all", "--allow-empty"], check=True)
    words = ["tools/release.py", "9.8.7", "--home", HOME]
    done = subprocess.run([sys.executable, *words], cwd=clone, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    wheels = [line for line in done.stdout.splitlines() if line.endswith(".whl")]
    assert done.stdout.count("PASSED") == 1 + len(wheels) > 1 and "git tag v9.8.7" in done.stdout
    changed = subprocess.run([*git, str(clone), "diff", "--name-only"], capture_output=True)
    assert changed.stdout.decode().split() == ["CHANGELOG.md", "__init__.py", "pyproject.toml"]
    return clone / "build" / "release" / "dist"


@pytest.mark.slow
def test_a_release_is_whole_and_says_where_it_is_at_home(dist: Path) -> None:
    (sdist,), wheel = dist.glob("*.tar.gz"), wheel_for(dist, platform.machine())
    with tarfile.open(sdist) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    assert {"README.md", "tests/conftest.py", "docs/celery.md", "tools/release.py"} <= held
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata = archive.read("jobquake-9.8.7.dist-info/METADATA").decode()
    assert f"Project-URL: Homepage, {HOME}" in metadata
    assert f"]({HOME}/blob/v9.8.7/docs/ci.md)" in metadata
    if sys.platform == "linux":
        assert any(name.endswith("/library.so") for name in names)
        assert re.search(r"-py3-none-manylinux_2_\d+_\w+\.whl$", wheel.name)


@pytest.mark.slow
@pytest.mark.parametrize(("machine", "number"), [("x86_64", 62), ("aarch64", 183)])
def test_a_wheel_holds_the_clock_of_its_machine(machine: str, number: int, dist: Path) -> None:
    if machine != platform.machine() and not shutil.which(f"{machine}-linux-gnu-gcc"):
        pytest.skip(f"expected {machine}-linux-gnu-gcc, found none")
    with zipfile.ZipFile(wheel_for(dist, machine)) as archive:
        names = [name for name in archive.namelist() if "/prebuilt/" in name]
        assert {name.split("/")[3] for name in names} == {machine}
        compiled = [archive.read(name) for name in names if not name.endswith("/libc")]
    assert [int.from_bytes(elf[18:20], "little") for elf in compiled] == [number] * 2


def wheel_for(dist: Path, machine: str) -> Path:
    (wheel,) = dist.glob(f"*_{machine}.whl" if sys.platform == "linux" else "*.whl")
    return wheel


def interpreter(version: str) -> str:
    """A Python of that version on this machine; the test is skipped where there is none."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    found = [*pyenv.glob(f"{version}.*/bin/python{version}"), shutil.which(f"python{version}")]
    for program in (str(one) for one in found if one):
        if subprocess.run([program, "-c", ""], capture_output=True).returncode == 0:
            return program
    pytest.skip(f"expected python{version} on this machine, found none")


@pytest.mark.slow
@pytest.mark.parametrize("version", OTHERS)
def test_the_wheel_runs_its_demos_on(version: str, dist: Path, tmp_path: Path) -> None:
    """Outside of the repository, from nothing but what pip installs."""
    wheel = wheel_for(dist, platform.machine())
    there = tmp_path / "environment" / "bin"
    subprocess.run([interpreter(version), "-m", "venv", str(there.parent)], check=True)
    known = {k: v for k, v in os.environ.items() if k in ("HOME",) or k.startswith("PIP_")}

    def ends(code: int, *words: str) -> str:
        program = str(there / words[0])
        done = subprocess.run(
            [program, *words[1:]], cwd=tmp_path, env={**known, "PATH": str(there)},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        assert done.returncode == code, done.stdout
        return done.stdout

    ends(0, "pip", "install", "-q", "--disable-pip-version-check", f"{wheel}[celery]")
    assert "its effect never happened" in ends(0, "jobquake", "demo")
    told = ends(1, "jobquake", "demo", "celery")
    assert "violated      demo-celery" in told
