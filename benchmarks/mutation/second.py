"""The package once more, under another name, with one module changed.

All imports inside of the package are relative, so its second self holds together: the mutant runs
in a harness of its own, and the package as it is stays beside it as the oracle.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec, spec_from_file_location, spec_from_loader
from pathlib import Path
from types import CodeType, ModuleType

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
    module = ".".join([NAME, *file.relative_to(ROOT).with_suffix("").parts])
    sys.meta_path.insert(0, _Changed(module, compile(source, f"<mutant of {file.name}>", "exec")))
    spec = spec_from_file_location(
        NAME, ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
    )
    assert spec and spec.loader
    package = module_from_spec(spec)
    sys.modules[NAME] = package
    spec.loader.exec_module(package)
    return package


def forget() -> None:
    """Nothing of a second self is left."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _Changed)]
    for name in [name for name in sys.modules if name.partition(".")[0] == NAME]:
        del sys.modules[name]
