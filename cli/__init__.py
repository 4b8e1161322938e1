"""The command line: thin. It turns words into plans, runs them, and prints what came of it.

One command is one file in ``commands/``. What several of them share: their options
(``options.py``) and what becomes of a finding (``findings.py``). ``main`` is the entry point;
importing this package loads nothing else.
"""

from __future__ import annotations

from typing import NoReturn


def main() -> NoReturn:
    """Run the command that the program's arguments name, and exit with its code."""
    from .boundary import run_and_exit

    run_and_exit()
