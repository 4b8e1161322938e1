"""Finds the apps of a project by reading its sources. Nothing of it is run.

What is found is a guess, good enough to be asked about: whether it is an app is for the app's own
Python to say (``frameworks/app.py``).
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from .frameworks.sign import signs

SIGNS = signs()
# The full name of what makes one, and whose it is.
MAKERS = {maker: sign.name for sign in SIGNS for maker in sign.makers}
CALLED = {(sign.name, name) for sign in SIGNS for name in sign.called}
PACKAGES = {maker.partition(".")[0] for maker in MAKERS} | {sign.name for sign in SIGNS}
WORDS = re.compile(rf"\b({'|'.join(sorted(PACKAGES))})\b", re.IGNORECASE)
ASIDE = {"node_modules", "site-packages", "build", "dist", "__pycache__"}
TESTS = re.compile(r"(^|/)(tests?|examples?|docs)/|(^|/)(test_[^/]*|conftest)\.py$")
COMMANDS = ("Procfile*", "*compose*.y*ml", "Dockerfile*", "Makefile", "*.sh", "*.service", "*.conf")
WORKERS = {sign.name: re.compile(sign.command) for sign in SIGNS if sign.command}
LARGEST = 1_000_000  # bytes of a source that is read


class Place(NamedTuple):
    """An app, or what makes one: ``folder`` is where its module is imported from.

    ``library``: its name, which is that of its folder.

    ``target`` is what a worker is given; nothing, where it is made in a function, and nobody can
    name it.
    """

    library: str
    target: str
    folder: Path
    file: Path
    line: int


def search(project: Path) -> list[Place]:
    """The apps below that folder: those of tests and examples only where there are no others.

    First what can be named, in the order of paths, the least deep first.
    """
    sources = [source for file in _files(project) if (source := _source(file))]
    factories = {name: library for source in sources for name, library in source.factories}
    found = [place for source in sources for place in _places(project, source, factories)]
    found += _of_commands(project) if not any(place.target for place in found) else []
    chosen = [place for place in found if not TESTS.search(_short(place.file, project))] or found
    return sorted(chosen, key=lambda place: (not place.target, len(place.file.parts), place.file))


class Source(NamedTuple):
    """A file that names a library: what it makes at its top, and which functions make something.

    ``made``: name, line, and the full name of what was called. ``inside``: line and library of
    what is made in a function. ``factories``: functions in which one is made, and whose.
    ``called``: name, line and library of what nothing makes, and is known by its name.
    """

    file: Path
    made: list[tuple[str, int, str]]
    inside: list[tuple[int, str]]
    factories: list[tuple[str, str]]
    called: list[tuple[str, int, str]]


def _files(project: Path) -> Iterator[Path]:
    """Python files, but not those of environments and of what was built."""
    for place, folders, names in os.walk(project):
        folders[:] = sorted(
            name
            for name in folders
            if name not in ASIDE
            and not name.startswith(".")
            and not Path(place, name, "pyvenv.cfg").exists()
        )
        yield from (Path(place, name) for name in sorted(names) if name.endswith(".py"))


def _source(file: Path) -> Source | None:
    try:
        if file.stat().st_size > LARGEST:
            return None
        text = file.read_text(encoding="utf-8")
        tree = ast.parse(text) if WORDS.search(text) else ast.Module([], [])
    except (OSError, ValueError, SyntaxError):
        return None
    names = dict(_imported(tree))
    for node in ast.walk(tree):  # a class of theirs that is the library's in all but its name
        if isinstance(node, ast.ClassDef):
            for name in [_full_name(base, names) for base in node.bases]:
                if name in MAKERS:
                    names[node.name] = name
    made = [
        (name, value.lineno, _full_name(value.func, names))
        for name, value in _assigned(tree.body)
        if isinstance(value, ast.Call)
    ]
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    calls = [(of, *call) for of in functions for call in _calls(of, names)]
    return Source(
        file,
        made,
        [(line, library) for _, line, library in calls],
        [(function.name, library) for function, _, library in calls],
        list(_called(tree, {full.partition(".")[0] for full in names.values()})),
    )


def _called(tree: ast.Module, packages: set[str]) -> Iterator[tuple[str, int, str]]:
    """What has the name of an app, class or variable, where its library is imported."""
    there = [(node.name, node.lineno) for node in tree.body if isinstance(node, ast.ClassDef)]
    there += [(name, value.lineno) for name, value in _assigned(tree.body)]
    for name, line in there:
        for library, wanted in CALLED:
            if name == wanted and library in packages:
                yield name, line, library


def _imported(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Each name that the module imports, and what it stands for in full."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield (alias.asname or alias.name.partition(".")[0],
                       alias.name if alias.asname else alias.name.partition(".")[0])  # fmt: skip
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield alias.asname or alias.name, f"{node.module or ''}.{alias.name}"


def _assigned(body: list[ast.stmt]) -> Iterator[tuple[str, ast.expr]]:
    """What is bound to a name at the top of a module."""
    for node in body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from ((one.id, node.value) for one in targets if isinstance(one, ast.Name))
        for name in ("body", "orelse", "handlers", "finalbody"):
            inner = getattr(node, name, [])
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                yield from _assigned(inner)


def _calls(function: ast.AST, names: dict[str, str]) -> Iterator[tuple[int, str]]:
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and (library := MAKERS.get(_full_name(node.func, names))):
            yield node.lineno, library


def _full_name(node: ast.expr, names: dict[str, str]) -> str:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    return ".".join([names.get(node.id, node.id), *reversed(parts)])


def _places(project: Path, source: Source, factories: dict[str, str]) -> Iterator[Place]:
    root = _root(source.file, project)
    parts = list(source.file.relative_to(root).with_suffix("").parts)
    module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    for name, line, called in source.made:
        library = MAKERS.get(called) or factories.get(called.rpartition(".")[2])
        if library and module:
            yield Place(library, f"{module}:{name}", root, source.file, line)
    for name, line, library in source.called:
        yield Place(library, f"{module}:{name}", root, source.file, line)
    for line, library in source.inside:
        yield Place(library, "", root, source.file, line)


def _root(file: Path, project: Path) -> Path:
    """From where the file's module is imported: above its packages, in ``src`` if it is there."""
    here = file.parent
    while (here / "__init__.py").exists() and here != project:
        here = here.parent
    in_package = here != file.parent
    if in_package:
        return here
    return project / "src" if file.is_relative_to(project / "src") else project


def _of_commands(project: Path) -> Iterator[Place]:
    """Apps that the commands for workers name, as in a Procfile."""
    for pattern in COMMANDS:
        for file in sorted([*project.glob(pattern), *project.glob(f"*/{pattern}")]):
            try:
                lines = file.read_text(encoding="utf-8").splitlines()
            except (OSError, ValueError):
                continue
            for number, line in enumerate(lines):
                for library, worker in WORKERS.items():
                    if found := worker.search(line):
                        yield Place(library, found[1], project, file, number + 1)


def _short(file: Path, project: Path) -> str:
    return file.relative_to(project).as_posix()
