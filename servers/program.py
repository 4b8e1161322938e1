"""A server as a program of this machine: a child that dies with its wrapper.

The kernel sees to that on Linux; elsewhere only an orderly end of the wrapper does.
PostgreSQL refuses to run as root, so a child can be somebody else.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

# From linux/prctl.h and linux/capability.h.
PR_SET_PDEATHSIG, PR_SET_KEEPCAPS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE = 1, 8, 47, 2
STOPPED_WITHIN_S = 10.0
CAPABILITY_VERSION_3, CAP_DAC_OVERRIDE = 0x20080522, 1


class Program:
    """The child; see :class:`.running.Served`. ``user`` is (uid, gid), None for our own."""

    look_every_s = 60.0  # its end comes as a signal

    def __init__(
        self,
        command: Sequence[str],
        folder: Path,
        stop_signal: int = signal.SIGTERM,
        user: tuple[int, int] | None = None,
    ) -> None:
        us, linux = os.getpid(), sys.platform == "linux"
        libc = ctypes.CDLL(None, use_errno=True)

        def become_server() -> None:
            if user is not None:
                become(*user)
            if linux:
                libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)  # a new user clears it
            if os.getppid() != us:
                os._exit(1)  # we were killed before the kernel knew

        self._stop_signal = stop_signal
        self._child = subprocess.Popen(
            list(command),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr,
            preexec_fn=become_server,
        )
        self.poll, self.kill = self._child.poll, self._child.kill

    def stop(self) -> int:
        if self._child.poll() is None:
            self._child.send_signal(self._stop_signal)
        try:
            return self._child.wait(STOPPED_WITHIN_S)
        except subprocess.TimeoutExpired:  # as a Redis that finds no room for what it would save
            self._child.kill()
            return self._child.wait()

    def last_words(self) -> str:
        return ""


def become(uid: int, gid: int) -> None:
    """Stop being root, but keep the way into folders that only root may enter.

    Run folders are closed to others, and a server looks for its own by the full path.
    Opening all folders above it to everybody would be worse than this one capability.
    """
    os.setgroups([])
    if sys.platform != "linux":
        os.setgid(gid)
        os.setuid(uid)
        return
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgid(gid)
    os.setuid(uid)
    bit = 1 << CAP_DAC_OVERRIDE
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    # Effective, permitted and inheritable, for the low and the high capabilities.
    libc.capset(header, (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0))
    libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0)
