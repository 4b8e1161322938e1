"""The wheel holds every folder here that has an ``__init__.py``, as a part of ``jobquake``; and the
clock of leaping time, compiled, where it is built on Linux with a C compiler at hand: ``$CC``,
which may be a cross compiler.
"""

import runpy
import shutil
import sys
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py


class Build(build_py):
    """The root of the repository is the package, so this file would be one of its modules."""

    def find_package_modules(self, package: str, package_dir: str) -> list[tuple[str, str, str]]:
        found = build_py.find_package_modules(self, package, package_dir)
        return [module for module in found if module[1] != "setup"]

    def run(self) -> None:
        build_py.run(self)
        if not self.editable_mode:
            self.announce(compiled_into(Path(self.build_lib, "jobquake", "leap")), level=2)


def compiled_into(leap: Path) -> str:
    """Compile the clock into that folder, if that can be; what came of it."""
    compiling = runpy.run_path(str(Path("leap", "compiling.py")))
    cc = compiling["compiler"]()
    if sys.platform != "linux" or not cc or not compiling["libc"]():
        return "the clock of leaping time is built when it is first needed"
    folder = leap / "prebuilt"
    try:
        folder = folder / compiling["machine"](cc)
        folder.mkdir(parents=True, exist_ok=True)
        compiling["compile_into"](cc, folder)
    except OSError as error:  # nobody needs it to install the package
        shutil.rmtree(folder, ignore_errors=True)
        return f"the clock of leaping time was not built: {error}"
    return f"the clock of leaping time was built with {cc}"


class Wheel(bdist_wheel):
    """For one platform, if something in it was compiled, and for any Python there."""

    def get_tag(self) -> tuple[str, str, str]:
        python, abi, platform_tag = bdist_wheel.get_tag(self)
        prebuilt = Path(str(self.bdist_dir), "jobquake", "leap", "prebuilt")
        for library in prebuilt.glob("*/library.so"):
            platform_tag = f"linux_{library.parent.name}"
        return python, abi, platform_tag


rooms = find_packages(".", exclude=["tests*"])
setup(
    packages=["jobquake", *(f"jobquake.{room}" for room in rooms)],
    cmdclass={"build_py": Build, "bdist_wheel": Wheel},
)
