"""Run a program for as long as somebody holds the other end of our standard input.

``python -m jobquake.servers.lifeline PROGRAM ARGUMENT...``: when that end closes,
which it does however its holder dies, the program is killed; if this keeper is killed, the
kernel kills the program with it (on Linux). For programs that keep nothing. Only the
standard library is used, so that it begins at once.
"""

from __future__ import annotations

import select
import sys
from collections.abc import Sequence
from pathlib import Path

from .program import Program

LOOK_EVERY_S = 0.05
CANNOT_RUN = 126


def main(command: Sequence[str]) -> int:
    """The program's exit status, or 126 if it cannot be run, with the reason on stderr."""
    try:
        program = Program(command, Path.cwd())
    except OSError as error:
        print(error.strerror, file=sys.stderr)
        return CANNOT_RUN
    while program.poll() is None:
        if select.select([sys.stdin], [], [], LOOK_EVERY_S)[0]:
            program.kill()  # nobody writes there: it can only have closed
            break
    return program.stop()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
