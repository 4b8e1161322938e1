"""First on a worker's PYTHONPATH: watches for the library, and hands on to their sitecustomize.

Python runs this at its start. Where the environment names no run, nothing happens but the
handing on. Otherwise nothing is loaded until a library that jobquake knows is imported.
"""

from __future__ import annotations

import os
import sys


def hand_on() -> None:
    """Run the sitecustomize that would have run without us."""
    from importlib.machinery import PathFinder

    here = os.path.dirname(os.path.abspath(__file__))
    others = [place for place in sys.path if os.path.abspath(place or ".") != here]
    spec = PathFinder.find_spec("sitecustomize", others)
    if spec is not None and spec.loader is not None:
        from importlib.util import module_from_spec

        module = module_from_spec(spec)
        sys.modules["sitecustomize"] = module
        spec.loader.exec_module(module)


def watch() -> None:
    """Have the hooks of a library connected as soon as it is imported."""
    here = os.path.dirname(os.path.abspath(__file__))
    root = os.path.dirname(os.path.dirname(os.path.dirname(here)))
    package = type(sys)("_jobquake")
    package.__path__ = [root]
    sys.modules["_jobquake"] = package
    import _jobquake.frameworks.inside.imports as imports

    imports.watch(os.path.join(root, "frameworks", "libraries"))


if os.environ.get("JOBQUAKE_FOLDER"):
    watch()
hand_on()
