"""Processes of a pool that outlive nobody: those that explore and sweep work with."""

from __future__ import annotations

import os
import signal
from multiprocessing import parent_process
from threading import Thread


def serve_parent() -> None:
    """For a pool's initializer: Ctrl-C is for whoever started us, who ends us in order."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()


def end_with_parent() -> None:
    """If whoever started this process is gone without having ended it, it ends at once."""
    Thread(target=_end_after_parent, daemon=True).start()


def _end_after_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
