"""Stands for a server of somebody else's in a run: says where it is, and serves nothing.

``python -m jobquake.servers.theirs HOST:PORT``
"""

from __future__ import annotations

import signal
import sys


def main(address: str) -> None:
    print(f"ready {address}", flush=True)
    signal.pause()


if __name__ == "__main__":
    main(sys.argv[1])
