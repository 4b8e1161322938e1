"""The guard as a process of its own: it waits for its starter's last word, or its end.

Every run has one and few need it, so it loads what cleans up only when it has to.
"""

from __future__ import annotations

import os
import sys

DONE = b"done"


def main(arguments: list[str]) -> None:
    """Read standard input to its end; unless the last word was that all is done, clean up."""
    heard = b""
    while said := os.read(sys.stdin.fileno(), 4096):
        heard += said
    if heard == DONE:
        return
    from .clean import clean_up_after

    clean_up_after(*arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
