"""The package once more, under another name, with one module changed.

All imports inside of the package are relative, so its second self holds together: the mutant runs
in a harness of its own, and the package as it is stays beside it as the oracle.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec, spec_from_file_location, spec_from_loader
from inspect import CO_NEWLOCALS, unwrap
from pathlib import Path
from types import CodeType, FunctionType, ModuleType

import jobquake

NAME = "jobquake_mutant"
ROOT = Path(jobquake.__file__).parent


class _Changed(MetaPathFinder, Loader):
    """Finds the one module that is another."""

    def __init__(self, module: str, code: CodeType) -> None:
        self.module = module
        self._code = code

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return spec_from_loader(fullname, self) if fullname == self.module else None

    def exec_module(self, module: ModuleType) -> None:
        exec(self._code, module.__dict__)


def second_self(file: Path, source: str) -> ModuleType:
    """The package with ``source`` in place of this file of it. One at a time in a process."""
    forget()
    changed = _Changed(module_of(file), compile(source, f"<mutant of {file.name}>", "exec"))
    sys.meta_path.insert(0, changed)
    spec = spec_from_file_location(
        NAME, ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
    )
    assert spec and spec.loader
    package = module_from_spec(spec)
    sys.modules[NAME] = package
    spec.loader.exec_module(package)
    return package


def plant(file: Path, source: str) -> None:
    """Make the functions of this file of the second self do what they do in ``source``.

    What the module defines stays as it is: its constants, classes and defaults.
    """
    new = {code.co_qualname: code for code in _codes(compile(source, str(file), "exec"))}
    module = module_of(file)
    for function in _functions(import_module(module), module):
        if code := new.get(function.__code__.co_qualname):
            function.__code__ = code


def module_of(file: Path) -> str:
    """The name of the module of this file in the second self."""
    return ".".join([NAME, *file.relative_to(ROOT).with_suffix("").parts])


def _codes(code: CodeType) -> Iterator[CodeType]:
    """Those of all functions of a module and of its classes."""
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            if inner.co_flags & CO_NEWLOCALS:
                yield inner
            else:
                yield from _codes(inner)


def _functions(scope: object, module: str) -> Iterator[FunctionType]:
    """Those of a module and of its classes, without what decorates them."""
    for value in list(vars(scope).values()):
        if getattr(value, "__module__", module) != module:
            continue
        if isinstance(value, type):
            yield from _functions(value, module)
        function = value.fget if isinstance(value, property) else value
        if isinstance(function, FunctionType):
            yield unwrap(function)


def forget() -> None:
    """Nothing of a second self is left."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _Changed)]
    for name in [name for name in sys.modules if name.partition(".")[0] == NAME]:
        del sys.modules[name]
