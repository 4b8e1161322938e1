"""Makes a release: a dated changelog, the version, an sdist and a wheel that were tried.

    python tools/release.py 0.2.0 --home https://example.org/team/jobquake

It writes the version and the date into the tree, and builds in build/release from a copy in which
the README's links lead to ``--home`` (a package page has no files beside it). The wheel is built
from the sdist, which proves that nothing is missing there; on Linux it holds the compiled clock
of leaping time, and its platform tag says with which libc it works. A cross compiler that is found
makes a wheel for its processors, too (Debian: gcc-x86-64-linux-gnu, gcc-aarch64-linux-gnu). twine
checks all of them. It commits, tags and uploads nothing: it says what to type. ``--dry-run`` leaves
the tree as it is.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path

import click

ROOT = Path(__file__).parents[1]
OUT = Path("build", "release")
CHECKERS = ("setuptools>=77", "wheel", "twine", "auditwheel; sys_platform == 'linux'")
UNRELEASED = "## Unreleased\n"
MACHINES = ("x86_64", "aarch64")
VERSION = re.compile(r"\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?")
LEFT_OUT = (".ci/", ".gitignore", ".gitattributes")  # of no use outside of the repository


def dated(changelog: str, version: str, day: date) -> str:
    """The changelog with what is unreleased under that version and day."""
    if f"## {version} " in changelog:
        raise click.UsageError(f"expected a new version, found {version} in CHANGELOG.md")
    _, found, rest = changelog.partition(UNRELEASED)
    entries = rest.partition("\n## ")[0].strip()
    if not found or not entries:
        raise click.UsageError("expected entries under Unreleased in CHANGELOG.md, found none")
    return changelog.replace(UNRELEASED, f"{UNRELEASED}\n## {version} ({day.isoformat()})\n", 1)


def versioned(text: str, name: str, version: str) -> str:
    """The text with that version in its one line ``name = "..."``."""
    changed, times = re.subn(rf'(?m)^({name} = )"[^"]+"$', rf'\1"{version}"', text)
    if times != 1:
        raise click.UsageError(f'expected one line {name} = "...", found {times}')
    return changed


def at_home(markdown: str, home: str, version: str) -> str:
    """Its links and pictures as they are found from anywhere."""

    def absolute(link: re.Match[str]) -> str:
        mark, text, where = link[1], link[2], link[3]
        if "://" in where or where.startswith("#"):
            return link[0]
        kind = "raw" if mark else "blob"
        return f"{mark}[{text}]({home}/{kind}/v{version}/{where})"

    return re.sub(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)", absolute, markdown)


def tracked(root: Path) -> list[str]:
    listed = subprocess.run(
        ["git", "-C", str(root), "ls-files", "-z"], capture_output=True, text=True, check=True
    )
    return [name for name in listed.stdout.split("\0") if name]


def copied(root: Path, to: Path, home: str, version: str) -> None:
    """The tree as it is shipped."""
    for name in tracked(root):
        if not name.startswith(LEFT_OUT):
            target = to / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, target)
    for name, change in edits(root, version).items():
        (to / name).write_text(change)
    readme, project = to / "README.md", to / "pyproject.toml"
    readme.write_text(at_home(readme.read_text(), home, version))
    urls = (
        f'[project.urls]\nHomepage = "{home}"\nChangelog = "{home}/blob/v{version}/CHANGELOG.md"\n'
    )
    text = project.read_text().replace("[project.scripts]\n", f"{urls}\n[project.scripts]\n", 1)
    project.write_text(text)


def edits(root: Path, version: str) -> dict[str, str]:
    """The files that say which version this is, as they are to be."""
    today = datetime.now(UTC).date()
    project, package = "pyproject.toml", "__init__.py"
    return {
        project: versioned((root / project).read_text(), "version", version),
        package: versioned((root / package).read_text(), "__version__", version),
        "CHANGELOG.md": dated((root / "CHANGELOG.md").read_text(), version, today),
    }


def environment(where: Path) -> Path:
    """An environment with what checks a release; its programs."""
    venv.create(where, with_pip=True)
    programs = where / "bin"
    _do(programs / "pip", "install", "-q", "--disable-pip-version-check", *CHECKERS)
    return programs


def compilers() -> list[str]:
    """This machine's, "", and those that are here for the other processors, by name."""
    others = [f"{name}-linux-gnu-gcc" for name in MACHINES if name != platform.machine()]
    return ["", *filter(shutil.which, others)] if sys.platform == "linux" else [""]


def built(source: Path, out: Path, programs: Path) -> tuple[Path, list[Path]]:
    """The sdist of that tree, and the wheels of that sdist."""
    backend = "import sys, setuptools.build_meta as b; sys.argv[1:] = []; "
    _do(programs / "python", "-c", f"{backend} b.build_sdist({str(out)!r})", within=source)
    (sdist,) = out.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(out / "unpacked", filter="data")
    (unpacked,) = (out / "unpacked").iterdir()
    missing = {*_files(source)} - {*_files(unpacked)}
    if missing:
        raise click.ClickException(
            f"expected every file in the sdist, found {len(missing)} missing: "
            f"{', '.join(sorted(missing)[:5])}; name them in MANIFEST.in"
        )
    wheels = []
    for number, cc in enumerate(compilers()):
        into = out / f"wheel-{number}"
        into.mkdir()
        make = f"{backend} b.build_wheel({str(into)!r})"
        _do(programs / "python", "-c", make, within=unpacked, cc=cc)
        (wheel,) = into.glob("*.whl")
        tagged = _tagged(wheel, programs)
        wheels.append(tagged.rename(out / tagged.name))
        into.rmdir()
        shutil.rmtree(unpacked / "build")
    shutil.rmtree(out / "unpacked")
    return sdist, wheels


def _files(tree: Path) -> list[str]:
    return [file.relative_to(tree).as_posix() for file in tree.rglob("*") if file.is_file()]


def _tagged(wheel: Path, programs: Path) -> Path:
    """The wheel under the tag that says with which libc its compiled clock works."""
    with zipfile.ZipFile(wheel) as archive:
        compiled = [name for name in archive.namelist() if name.endswith(".so")]
    if sys.platform != "linux":
        return wheel
    if not compiled:
        raise click.ClickException("expected the compiled clock in the wheel, found none; see gcc")
    told = _do(programs / "auditwheel", "show", wheel)
    found = re.search(r"(?:many|musl)linux_\d+_\d+_\w+", told)
    if not found:
        raise click.ClickException(f"expected a platform tag for {wheel.name}, found: {told}")
    _do(programs / "wheel", "tags", "--remove", "--platform-tag", found[0], wheel)
    (renamed,) = wheel.parent.glob("*.whl")
    return renamed


def _do(*words: object, within: Path | None = None, cc: str = "") -> str:
    done = subprocess.run(
        [*map(str, words)],
        cwd=within,
        env={**os.environ, "CC": cc} if cc else None,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        raise click.ClickException(f"expected {words[0]} to end well, found:\n{done.stdout}")
    return done.stdout


@click.command()
@click.argument("version")
@click.option("--home", required=True, metavar="URL", help="Where the repository is to be seen.")
@click.option("--dry-run", is_flag=True, help="Build and check, but leave the tree as it is.")
def command(version: str, home: str, dry_run: bool) -> None:
    """Write the version and the date, build an sdist and a wheel, and check them."""
    if not VERSION.fullmatch(version):
        raise click.UsageError(f"expected a version such as 1.2.3 or 1.2.3rc1, found {version!r}")
    changes = edits(ROOT, version)
    if not dry_run and _do("git", "-C", ROOT, "status", "--porcelain", "-uno"):
        raise click.UsageError("expected a clean tree, found changes; commit them first")
    out = ROOT / OUT
    shutil.rmtree(out, ignore_errors=True)
    copied(ROOT, out / "source", home.rstrip("/"), version)
    programs = environment(out / "environment")
    (out / "dist").mkdir()
    sdist, wheels = built(out / "source", out / "dist", programs)
    click.echo(_do(programs / "twine", "check", "--strict", sdist, *wheels).strip())
    for file in (sdist, *wheels):
        click.echo(f"built: {file.relative_to(ROOT)}")
    if dry_run:
        return
    for name, text in changes.items():
        (ROOT / name).write_text(text)
    click.echo(f"next:  git commit -am 'Release {version}' && git tag v{version}")
    click.echo(f"then:  {(programs / 'twine').relative_to(ROOT)} upload {OUT}/dist/*")


if __name__ == "__main__":
    command()
