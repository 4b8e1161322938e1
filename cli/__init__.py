"""The command line: thin. It turns words into plans, runs them, and prints what came of it.

One command is one file in ``commands/``. What several of them share: their options
(``options.py``) and what becomes of a finding (``findings.py``). ``main`` is the entry point;
importing this package loads nothing else.
"""

from __future__ import annotations

import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command that the program's arguments name, and exit with its code."""
    try:
        from .boundary import run_and_exit
    except KeyboardInterrupt:  # while modules are imported there is no boundary yet
        print("jobquake: interrupted", file=sys.stderr)
        raise SystemExit(130) from None
    except ImportError as error:
        print(f"jobquake: expected a whole installation, found {error!r}; install it again",
              file=sys.stderr)  # fmt: skip
        raise SystemExit(3) from None

    run_and_exit()
