"""The wheel holds every folder here that has an ``__init__.py``, as a part of ``jobquake``."""

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py


class WithoutThisFile(build_py):
    """The root of the repository is the package, so this file would be one of its modules."""

    def find_package_modules(self, package: str, package_dir: str) -> list[tuple[str, str, str]]:
        found = build_py.find_package_modules(self, package, package_dir)
        return [module for module in found if module[1] != "setup"]


rooms = find_packages(".", exclude=["tests*"])
setup(
    packages=["jobquake", *(f"jobquake.{room}" for room in rooms)],
    cmdclass={"build_py": WithoutThisFile},
)
